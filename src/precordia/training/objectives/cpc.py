# SPDX-License-Identifier: Apache-2.0
"""Contrastive predictive coding: tell what comes next from what came before."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.models.s4 import S4
from precordia.training.gathering import drawn_for_rows, gathered
from precordia.training.objective import Learned, Objective
from precordia.training.unlabelled_batch import UnlabelledBatch


class Cpc(Objective):
    """From the past up to each step, recognise a later step among steps of other times.

    Parameters
    ----------
    encoder
        An `s4` that sees no future (``bidirectional=False``).
    ahead_ms
        How far ahead it looks, ms; several distances are told each by a map of its own.
    n_within
        Steps of the same window that are to be told from the right one.
    n_across
        Steps that each window offers to all other windows for the same.
    temperature
        Divides the products that are compared.

    Notes
    -----
    *Method.* ECG-CPC: what the stem makes of the signal is to be recognised 117 ms ahead, among 128
    steps of the same record, by its product with a two-layer map, without bias, of what the
    state-space layers remember. *Departures.* The same wrong steps are drawn for all times of a
    window, so that all products are one multiplication of matrices, and where the right step is
    among them it is left out; steps of other windows can be added. The systems are diagonal, and
    the stem has no overlap.

    References
    ----------
    van den Oord A, Li Y, Vinyals O. Representation learning with contrastive predictive coding.
    2018. arXiv:1807.03748. Al-Masud M, et al. Benchmarking ECG foundation models. 2025.
    arXiv:2509.25095
    """

    architectures: ClassVar[tuple[str, ...]] = ("s4",)

    def __init__(
        self,
        encoder: Encoder,
        *,
        ahead_ms: tuple[float, ...] = (120.0,),
        n_within: int = 64,
        n_across: int = 1,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(encoder)
        stride = _stride_of(causal(encoder))
        step_ms = 1000 * stride / encoder.shape.fs
        self.steps = tuple(max(round(ms / step_ms), 1) for ms in ahead_ms)
        if not self.steps or max(self.steps) >= encoder.shape.n_samples // stride:
            raise OptionError(
                f"ahead_ms is {ahead_ms!r}; distances within the window are needed, such as 120."
            )
        if n_within < 0 or n_across < 0 or n_within + n_across < 1:
            raise OptionError(
                f"n_within is {n_within} and n_across {n_across}; one of them must be 1 or more."
            )
        self.n_within, self.n_across, self.temperature = n_within, n_across, temperature
        dim = encoder.token_dim
        self.foretell = nn.Sequential(
            nn.Linear(dim, dim, bias=False),
            nn.ReLU(),
            nn.Linear(dim, dim * len(self.steps), bias=False),
        )

    @property
    def s4(self) -> S4:
        """The encoder, by its kind."""
        return causal(self.encoder)

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the mean cross-entropy of recognising the right steps."""
        frames = self.s4.frames(batch.windows)
        context = self.s4.context(frames)
        n_rows, n_steps = frames.shape[:2]
        n_drawn = max(self.n_within, self.n_across)
        drawn = drawn_for_rows(
            lambda rows: torch.rand(rows, n_drawn, generator=generator, device=generator.device),
            n_rows,
        )
        places = (drawn * n_steps).long().to(frames.device)
        told = self.foretold(context)
        loss, hits = cpc_loss(
            told,
            frames,
            self.steps,
            places[:, : self.n_within],
            places[:, : self.n_across],
            temperature=self.temperature,
        )
        return Learned(
            loss=loss, embeddings=context.detach().mean(dim=1), logged={"recognised": hits}
        )

    def foretold(
        self, context: Float[Tensor, "batch token dim"]
    ) -> Float[Tensor, "batch ahead token dim"]:
        """Return what is expected at each distance from each step."""
        n_rows, n_steps, dim = context.shape
        told = self.foretell(context).reshape(n_rows, n_steps, len(self.steps), dim)
        return told.transpose(1, 2)


def cpc_loss(
    told: Float[Tensor, "batch ahead token dim"],
    frames: Float[Tensor, "batch token dim"],
    steps: tuple[int, ...],
    within: Int[Tensor, "batch within"],
    across: Int[Tensor, "batch across"],
    *,
    temperature: float = 1.0,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Return the mean cross-entropy of the right step among wrong ones, and the share recognised.

    Parameters
    ----------
    told
        What is expected at each distance from each step.
    frames
        What stands at each step.
    steps
        The distances, in steps.
    within, across
        Places of each window that stand for wrong steps in the same window, and in all others.
    temperature
        Divides the products.

    Examples
    --------
    >>> frames = 9 * torch.eye(4)[None]
    >>> told = torch.roll(frames, -1, dims=1)[:, None]
    >>> within = torch.tensor([[0, 1, 2, 3]])
    >>> loss, hits = cpc_loss(told, frames, (1,), within, within[:, :0])
    >>> float(hits)
    1.0
    """
    n_steps = frames.shape[1]
    ahead = torch.tensor(steps, device=frames.device)[:, None]
    target = torch.arange(n_steps, device=frames.device) + ahead
    exists = (target < n_steps).float()
    told, frames = told.float() / temperature, frames.float()
    right = frames[:, target.clamp(max=n_steps - 1)]
    score = (told * right).sum(dim=-1, keepdim=True)
    rows = torch.arange(len(frames), device=frames.device)[:, None]
    near = torch.einsum("bktd,bnd->bktn", told, frames[rows, within])
    same = within[:, None, None, :] == target[None, :, :, None]
    wrong = [near.masked_fill(same, -torch.inf)]
    if across.shape[1]:
        wrong.append(_from_others(told, frames[rows, across]))
    whole = torch.cat([score, *wrong], dim=-1).logsumexp(dim=-1)
    count = exists.sum() * len(frames)
    loss = ((whole - score[..., 0]) * exists).sum() / count
    with torch.no_grad():
        best = torch.cat(wrong, dim=-1).amax(dim=-1)
        hits = ((score[..., 0] > best) * exists).sum() / count
    return loss, hits


def _from_others(
    told: Float[Tensor, "batch ahead token dim"], offered: Float[Tensor, "batch across dim"]
) -> Float[Tensor, "batch ahead token offered"]:
    """Return products with what all windows of all processes offer but the window itself."""
    n_rows, n_offered = offered.shape[:2]
    keys = gathered(offered)
    score = torch.einsum("bktd,nd->bktn", told, keys.flatten(0, 1))
    owner = torch.arange(len(keys), device=keys.device).repeat_interleave(n_offered)
    first = _first_row(n_rows)
    mine = owner[None, :] == (torch.arange(n_rows, device=keys.device) + first)[:, None]
    return score.masked_fill(mine[:, None, None, :], -torch.inf)


def _first_row(n_rows: int) -> int:
    """Return where the rows of this process stand among those of all."""
    shared = torch.distributed.is_available() and torch.distributed.is_initialized()
    return n_rows * torch.distributed.get_rank() if shared else 0


def causal(encoder: Encoder) -> S4:
    """Return the encoder if it is one that sees no future.

    Raises
    ------
    OptionError
        If it is another.
    """
    if not isinstance(encoder, S4) or encoder.bidirectional:
        raise OptionError(
            f"cpc needs an encoder that sees no future; {encoder.name or type(encoder).__name__} "
            "sees all of the window. Use the model s4 with bidirectional = false."
        )
    return encoder


def _stride_of(encoder: S4) -> int:
    first = encoder.stem if isinstance(encoder.stem, nn.Conv1d) else encoder.stem[0]
    return first.stride[0]
