# SPDX-License-Identifier: Apache-2.0
"""Vectors become words of a vocabulary: the nearest of a codebook, or one choice of each group."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.distributed as dist
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor, nn
from torch.nn import functional


class Quantised(NamedTuple):
    """What `VectorQuantiser` gives.

    Attributes
    ----------
    values
        The nearest codes; their gradient goes to what was quantised.
    codes
        Their numbers.
    commitment
        Mean square distance of what was quantised from its codes, with a gradient.
    """

    values: Float[Tensor, "row dim"]
    codes: Int[Tensor, " row"]
    commitment: Float[Tensor, ""]


class VectorQuantiser(nn.Module):
    """Replace vectors by the nearest code of a codebook that follows what it stands for.

    Parameters
    ----------
    dim
        Length of a vector.
    n_codes
        Codes.
    unit
        Whether vectors and codes have a length of 1.
    decay
        Share of a code that stays in a step.
    least
        Codes that stand for fewer vectors of a batch than this, on running average, take the place
        of a random vector.

    Notes
    -----
    *Method.* Van den Oord et al., appendix A.1: codes are running means of the vectors they stand
    for, so that they need no gradient; vectors get that of the codes. The first batch sets the
    codes by k-means; codes that are hardly used are set anew (Dhariwal et al. 2020). With several
    processes the means are over all; what is drawn is drawn by the first process.

    References
    ----------
    van den Oord A, Vinyals O, Kavukcuoglu K. NeurIPS 2017. arXiv:1711.00937.
    Dhariwal P, et al. Jukebox. 2020. arXiv:2005.00341 (unused codes)

    Examples
    --------
    >>> quantise = VectorQuantiser(2, 2)
    >>> rows = torch.tensor([[0.0, 0.0], [0.0, 0.2], [5.0, 5.0]])
    >>> found = quantise(rows, torch.Generator().manual_seed(0))
    >>> bool(found.codes[0] == found.codes[1]), bool(found.codes[0] == found.codes[2])
    (True, False)
    """

    book: Tensor
    count: Tensor
    total: Tensor
    begun: Tensor

    def __init__(
        self,
        dim: int,
        n_codes: int,
        *,
        unit: bool = False,
        decay: float = 0.99,
        least: float = 0.05,
    ) -> None:
        super().__init__()
        self.unit, self.decay, self.least = unit, decay, least
        self.register_buffer("book", torch.zeros(n_codes, dim))
        self.register_buffer("total", torch.zeros(n_codes, dim))
        self.register_buffer("count", torch.zeros(n_codes))
        self.register_buffer("begun", torch.zeros((), dtype=torch.bool))

    def forward(
        self,
        rows: Float[Tensor, "row dim"],
        generator: Generator | None = None,
        valid: Bool[Tensor, " row"] | None = None,
    ) -> Quantised:
        """Quantise vectors, and let codes follow them while training.

        Parameters
        ----------
        rows
            Vectors.
        generator
            Of what is drawn while training.
        valid
            Which vectors count, for codes and distance; all where it is not given.
        """
        with torch.autocast(rows.device.type, enabled=False):  # half precision mistakes codes
            return self._quantised(rows.float(), generator, valid)

    def _quantised(
        self, rows: Tensor, generator: Generator | None, valid: Tensor | None
    ) -> Quantised:
        if self.unit:
            rows = functional.normalize(rows, dim=-1)
        counted = rows if valid is None else rows[valid]
        if self.training:
            self._begin(counted.detach(), generator)
        codes = nearest(rows, self.book)
        values = self.book[codes]
        apart = (values - rows).square()
        if valid is not None:
            apart = apart[valid]
        # processes may have different numbers of rows: the mean is that of all of them
        usual = _usual_number(len(apart), rows.device) if self.training else float(len(apart))
        commitment = apart.sum() / max(usual * apart.shape[1], 1.0)
        if self.training:
            self._follow(counted.detach(), codes if valid is None else codes[valid], generator)
        return Quantised(rows + (values - rows).detach(), codes, commitment)

    @torch.no_grad()
    def _begin(self, rows: Tensor, generator: Generator | None) -> None:
        if bool(self.begun):
            return
        rows = _rows_of_all(rows)
        if not len(rows):
            return
        pool = rows
        self.book.copy_(_of_first_process(k_means(pool, len(self.book), generator=generator)))
        self._set_lengths()
        self.count.fill_(1.0)
        self.total.copy_(self.book)
        self.begun.fill_(True)

    @torch.no_grad()
    def _follow(self, rows: Tensor, codes: Tensor, generator: Generator | None) -> None:
        count, total = (_over_processes(x) for x in sums_of(rows, codes, len(self.book)))
        self.count.lerp_(count, 1 - self.decay)
        self.total.lerp_(total, 1 - self.decay)
        idle = self.count < self.least
        if bool(idle.any()):
            rows = _rows_of_all(rows)
            pool = rows if len(rows) else self.book
            place = torch.rand(len(idle), generator=generator, device=_device(generator))
            drawn = _of_first_process(pool[(place * len(pool)).long().to(pool.device)])
            self.total.copy_(torch.where(idle[:, None], drawn, self.total))
            self.count.masked_fill_(idle, 1.0)
        self.book.copy_(self.total / self.count.clamp(min=1e-12)[:, None])
        self._set_lengths()

    def _set_lengths(self) -> None:
        if self.unit:
            self.book.copy_(functional.normalize(self.book, dim=-1))


class Chosen(NamedTuple):
    """What `GumbelQuantiser` gives.

    Attributes
    ----------
    values
        The chosen entries of all groups, side by side.
    codes
        Number of the entry of each group.
    likelihood
        Of each entry, without noise.
    """

    values: Float[Tensor, "batch token dim"]
    codes: Int[Tensor, "batch token group"]
    likelihood: Float[Tensor, "batch token group code"]


class GumbelQuantiser(nn.Module):
    """Choose one entry of each of some groups, with a gradient through the choice.

    Parameters
    ----------
    dim
        Length of what comes in.
    n_outputs
        Length of what is given; the groups share it.
    groups, n_codes
        Groups, and entries of each.

    Notes
    -----
    *Method.* wav2vec 2.0, section 2: while training, entries are chosen by scores with Gumbel
    noise, and the gradient is that of the softmax; otherwise the likeliest is taken.

    References
    ----------
    Baevski A, et al. NeurIPS 2020. arXiv:2006.11477. Jang E, Gu S, Poole B. ICLR 2017.
    arXiv:1611.01144

    Examples
    --------
    >>> choose = GumbelQuantiser(8, 6, groups=2, n_codes=5).eval()
    >>> choose(torch.zeros(1, 3, 8)).values.shape
    torch.Size([1, 3, 6])
    """

    def __init__(self, dim: int, n_outputs: int, *, groups: int = 2, n_codes: int = 320) -> None:
        super().__init__()
        if n_outputs % groups:
            raise ValueError(f"{n_outputs} numbers cannot be shared by {groups} groups")
        self.groups, self.n_codes = groups, n_codes
        self.score = nn.Linear(dim, groups * n_codes)
        nn.init.normal_(self.score.weight)
        nn.init.zeros_(self.score.bias)
        self.entries = nn.Parameter(torch.rand(groups, n_codes, n_outputs // groups))

    def forward(
        self,
        tokens: Float[Tensor, "batch token dim"],
        *,
        temperature: float = 1.0,
        chance: Float[Tensor, "batch token group code"] | None = None,
    ) -> Chosen:
        """Choose entries for tokens.

        Parameters
        ----------
        tokens
            Tokens.
        temperature
            Of the softmax while training; the lower, the closer to a choice.
        chance
            Numbers between 0 and 1 that the noise while training is made of; drawn from PyTorch's
            own generator where they are not given.
        """
        score = self.score(tokens).unflatten(-1, (self.groups, self.n_codes))
        if self.training:
            if chance is None:
                chance = torch.rand_like(score)
            noise = -(-chance.to(score).clamp(min=1e-10).log()).clamp(min=1e-10).log()
            soft = ((score + noise) / temperature).softmax(dim=-1)
            codes = soft.argmax(dim=-1)
            hard = functional.one_hot(codes, self.n_codes).to(score.dtype)
            choice = hard + soft - soft.detach()
            values = torch.einsum("btgc,gcd->btgd", choice, self.entries)
        else:
            codes = score.argmax(dim=-1)
            group = torch.arange(self.groups, device=codes.device)
            values = self.entries[group, codes]
        return Chosen(values.flatten(-2), codes, score.softmax(dim=-1))


def nearest(rows: Float[Tensor, "row dim"], book: Float[Tensor, "code dim"]) -> Int[Tensor, " row"]:
    """Return the number of the code that is nearest to each vector.

    Examples
    --------
    >>> nearest(torch.tensor([[0.9], [3.0]]), torch.tensor([[0.0], [1.0], [4.0]]))
    tensor([1, 2])
    """
    return (book.square().sum(dim=1) - 2 * rows.detach() @ book.T).argmin(dim=1)


def sums_of(
    rows: Float[Tensor, "row dim"], codes: Int[Tensor, " row"], n_codes: int
) -> tuple[Float[Tensor, " code"], Float[Tensor, "code dim"]]:
    """Return how many vectors have each code, and their sum.

    Examples
    --------
    >>> sums_of(torch.tensor([[1.0], [2.0]]), torch.tensor([1, 1]), 2)[1]
    tensor([[0.],
            [3.]])
    """
    count = torch.bincount(codes, minlength=n_codes).to(rows.dtype)
    total = torch.zeros(n_codes, rows.shape[1], dtype=rows.dtype, device=rows.device)
    return count, total.index_add_(0, codes, rows)


def k_means(
    rows: Float[Tensor, "row dim"],
    n_codes: int,
    *,
    n_rounds: int = 10,
    generator: Generator | None = None,
) -> Float[Tensor, "code dim"]:
    """Return the means of groups of vectors, each of which is nearest to its own.

    Parameters
    ----------
    rows
        Vectors. Where there are fewer than codes, some codes are the same.
    n_codes
        Groups.
    n_rounds
        Of Lloyd's algorithm.
    generator
        Of the vectors that it begins with.

    Examples
    --------
    >>> rows = torch.tensor([[0.0], [1.0], [10.0], [11.0]])
    >>> k_means(rows, 2, generator=torch.Generator().manual_seed(0)).sort(0).values
    tensor([[ 0.5000],
            [10.5000]])
    """
    order = torch.rand(len(rows), generator=generator, device=_device(generator)).argsort()
    first = torch.arange(n_codes, device=order.device) % len(rows)
    book = rows[order[first].to(rows.device)]
    for _ in range(n_rounds):
        count, total = sums_of(rows, nearest(rows, book), n_codes)
        book = torch.where(count[:, None] > 0, total / count.clamp(min=1)[:, None], book)
    return book


def _device(generator: Generator | None) -> torch.device:
    return torch.device("cpu") if generator is None else generator.device


def _several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def _over_processes(total: Tensor) -> Tensor:
    if _several():
        dist.all_reduce(total)
    return total


def _usual_number(n: int, device: torch.device) -> float:
    """Return the mean number of rows of a process."""
    if not _several():
        return float(n)
    return float(_over_processes(torch.tensor(float(n), device=device))) / dist.get_world_size()


def _rows_of_all(rows: Tensor) -> Tensor:
    """Return the rows of all processes, in their order."""
    if not _several():
        return rows
    numbers = [
        torch.zeros(1, dtype=torch.long, device=rows.device) for _ in range(dist.get_world_size())
    ]
    dist.all_gather(numbers, torch.tensor([len(rows)], device=rows.device))
    most = int(max(int(n) for n in numbers))
    filled = rows.new_zeros(most, rows.shape[1])
    filled[: len(rows)] = rows
    held = [torch.zeros_like(filled) for _ in numbers]
    dist.all_gather(held, filled)
    return torch.cat([part[: int(n)] for part, n in zip(held, numbers, strict=True)])


def _of_first_process(drawn: Tensor) -> Tensor:
    if _several():
        drawn = drawn.contiguous()
        dist.broadcast(drawn, 0)
    return drawn
