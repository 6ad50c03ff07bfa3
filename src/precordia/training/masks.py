# SPDX-License-Identifier: Apache-2.0
"""Which tokens an objective hides, drawn for a whole batch: single ones, spans, or blocks."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Generator, Tensor

from precordia.core.errors import OptionError
from precordia.training.gathering import drawn_for_rows, gathered


class Places(NamedTuple):
    """The tokens of each row in two parts, each in the order of time.

    Attributes
    ----------
    kept
        Places that may be seen, as many in each row.
    hidden
        All other places.
    """

    kept: Int[Tensor, "batch kept"]
    hidden: Int[Tensor, "batch hidden"]

    def to(self, device: torch.device) -> Places:
        """Return the places on a device."""
        return Places(self.kept.to(device), self.hidden.to(device))


def taken(
    tokens: Shaped[Tensor, "batch token dim"], places: Int[Tensor, "batch some"]
) -> Shaped[Tensor, "batch some dim"]:
    """Return the tokens that stand at some places of each row.

    Examples
    --------
    >>> taken(torch.tensor([[[1.0], [2.0], [3.0]]]), torch.tensor([[2, 0]]))
    tensor([[[3.],
             [1.]]])
    """
    return tokens.gather(1, places[:, :, None].expand(-1, -1, tokens.shape[2]))


def hide_random(n_rows: int, n_tokens: int, *, share: float, generator: Generator) -> Places:
    """Hide a share of the tokens, each independently of its neighbours.

    Parameters
    ----------
    n_rows, n_tokens
        Rows, and tokens of each.
    share
        Of the tokens that is hidden; at least one is, and at least one is not.
    generator
        Of what is drawn.

    References
    ----------
    He K, et al. Masked autoencoders are scalable vision learners. CVPR 2022. arXiv:2111.06377

    Examples
    --------
    >>> hide_random(2, 8, share=0.75, generator=torch.Generator()).hidden.shape
    torch.Size([2, 6])
    """
    n_hidden = _some_but_not_all(round(share * n_tokens), n_tokens)
    order = _uniform(n_rows, n_tokens, generator).argsort(dim=1)
    return Places(order[:, n_hidden:].sort(1).values, order[:, :n_hidden].sort(1).values)


def hide_blocks(
    n_rows: int, n_tokens: int, *, n_kept: int, shortest: int, generator: Generator
) -> Places:
    """Hide blocks of neighbouring tokens until few are left.

    Parameters
    ----------
    n_rows, n_tokens
        Rows, and tokens of each.
    n_kept
        Tokens that stay.
    shortest
        Fewest tokens of a block.
    generator
        Of what is drawn.

    Notes
    -----
    After the masks of Weimann and Conrad: the length of a block is uniform between the shortest
    and what is still to be hidden, and what is left over in the end belongs to the last block.
    There, blocks are placed one after another into intervals that are still whole; here all blocks
    and all tokens that stay are put into a random order, for all rows at once.

    References
    ----------
    Weimann K, Conrad TOF. Self-supervised pre-training with joint-embedding predictive
    architecture boosts ECG classification performance. 2024. arXiv:2410.13867

    Examples
    --------
    >>> drawn = hide_blocks(1, 12, n_kept=3, shortest=9, generator=torch.Generator())
    >>> int(drawn.hidden[0, -1] - drawn.hidden[0, 0])
    8
    """
    n_hidden = n_tokens - _some_but_not_all(n_kept, n_tokens)
    lengths = _block_lengths(n_rows, n_hidden, min(shortest, n_hidden), generator)
    n_blocks = lengths.shape[1]
    single = torch.ones(n_rows, n_tokens - n_hidden, dtype=lengths.dtype, device=lengths.device)
    pieces = torch.cat([lengths, single], dim=1)
    order = _uniform(n_rows, pieces.shape[1], generator).argsort(dim=1)
    ends = pieces.gather(1, order).cumsum(dim=1)
    clock = torch.arange(n_tokens, device=ends.device).expand(n_rows, -1).contiguous()
    piece = order.gather(1, torch.searchsorted(ends, clock, right=True))
    return places_of(piece < n_blocks, n_hidden)


def hide_spans(
    n_rows: int, n_tokens: int, *, share: float, span: int, generator: Generator
) -> Places:
    """Hide spans of one length, which may overlap.

    Parameters
    ----------
    n_rows, n_tokens
        Rows, and tokens of each.
    share
        Tokens of all spans together, overlaps counted twice, as a share of all tokens.
    span
        Tokens of a span.
    generator
        Of what is drawn.

    Notes
    -----
    As in wav2vec 2.0: spans begin at different tokens. Rows in which spans overlap less would hide
    more; from these, some hidden tokens are freed at random until all rows hide as many.

    References
    ----------
    Baevski A, et al. wav2vec 2.0. NeurIPS 2020. arXiv:2006.11477

    Examples
    --------
    >>> hide_spans(2, 30, share=0.4, span=4, generator=torch.Generator()).kept.shape[0]
    2
    """
    span = min(span, n_tokens - 1)
    n_starts = n_tokens - span + 1
    n_spans = min(max(round(share * n_tokens / span), 1), n_starts)
    starts = _uniform(n_rows, n_starts, generator).topk(n_spans, dim=1).indices
    clock = torch.arange(n_tokens, device=starts.device)
    since = clock[None, None, :] - starts[:, :, None]
    hidden = ((since >= 0) & (since < span)).any(dim=1)
    fewest = gathered(hidden.sum(dim=1).min()[None]).min()
    n_hidden = _some_but_not_all(int(fewest), n_tokens)
    strength = hidden + _uniform(n_rows, n_tokens, generator)
    strongest = strength.topk(n_hidden, dim=1).indices
    return places_of(torch.zeros_like(hidden).scatter_(1, strongest, True), n_hidden)


def places_of(hidden: Bool[Tensor, "batch token"], n_hidden: int) -> Places:
    """Return the places of marks, of which each row has as many.

    Examples
    --------
    >>> places_of(torch.tensor([[True, False, True]]), 2).hidden
    tensor([[0, 2]])
    """
    order = hidden.to(torch.uint8).argsort(dim=1, stable=True)
    n_kept = hidden.shape[1] - n_hidden
    return Places(order[:, :n_kept], order[:, n_kept:])


def _block_lengths(
    n_rows: int, n_hidden: int, shortest: int, generator: Generator
) -> Int[Tensor, "batch block"]:
    """Return lengths that sum to what is hidden; 0 for blocks that are not needed."""
    left = torch.full((n_rows,), n_hidden, device=generator.device)
    drawn = _uniform(n_rows, n_hidden // shortest, generator)
    lengths = []
    for chance in drawn.unbind(1):
        length = shortest + (chance * (left - shortest + 1).clamp(min=1)).long()
        length = torch.where(left - length < shortest, left, length)
        lengths.append(length)
        left = left - length
    return torch.stack(lengths, dim=1)


def _some_but_not_all(wanted: int, n_tokens: int) -> int:
    if n_tokens < 2:
        raise OptionError(
            f"the window has {n_tokens} token; at least 2 are needed to hide one. Give longer "
            "windows, or a smaller patch."
        )
    return min(max(wanted, 1), n_tokens - 1)


def _uniform(n_rows: int, n: int, generator: Generator) -> Float[Tensor, "batch n"]:
    return drawn_for_rows(
        lambda rows: torch.rand(rows, n, generator=generator, device=generator.device), n_rows
    )
