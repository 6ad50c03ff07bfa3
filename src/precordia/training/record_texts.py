# SPDX-License-Identifier: Apache-2.0
"""Texts of recordings as arrays: pieces of each, what each says, and of which it is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from precordia.core.errors import OptionError
from precordia.embedding.text_pieces import text_pieces


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordTexts:
    """Several texts of each recording.

    Attributes
    ----------
    pieces
        Numbers of the pieces of each text, -1 behind the last.
    says
        Which statements each text mentions; no statement where nobody knows.
    has
        Which statements each recording has.
    first, count
        Where the texts of each recording begin among all, and how many they are.
    """

    pieces: Int[Tensor, "_ piece"]
    says: Bool[Tensor, "_ statement"]
    has: Bool[Tensor, "_ statement"]
    first: Int[Tensor, " _"]
    count: Int[Tensor, " _"]

    def draw(
        self, records: Int[Tensor, " batch"], generator: Generator
    ) -> tuple[Int[Tensor, "batch piece"], Float[Tensor, "batch batch"]]:
        """Draw one text of each recording.

        Parameters
        ----------
        records
            Numbers of the recordings; each has a text.
        generator
            Chooses the texts.

        Returns
        -------
        The pieces, and for each recording (row) and text (column) 1 where the text is true of the
        recording.
        """
        share = torch.rand(len(records), generator=generator, device=generator.device).cpu()
        count = self.count[records]
        chosen = self.first[records] + (share * count).long().clamp(max=count - 1)
        return self.pieces[chosen], true_of(self.has[records], self.says[chosen])


def true_of(
    has: Bool[Tensor, "batch statement"], says: Bool[Tensor, "batch statement"]
) -> Float[Tensor, "batch batch"]:
    """Return 1 where the text of a column says nothing that the recording of a row has not.

    A text is true of its own recording, and where it mentions no statement, of no other.

    Examples
    --------
    >>> has = torch.tensor([[True, True], [True, False]])
    >>> true_of(has, torch.tensor([[True, False], [True, False]])).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    >>> true_of(has, has).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    mentioned = says.float()
    held = has.float() @ mentioned.T
    count = mentioned.sum(dim=1)
    true = (held == count) & (count > 0)
    return (true | torch.eye(len(has), dtype=torch.bool, device=has.device)).float()


def record_texts(
    texts: Sequence[Sequence[tuple[str, Sequence[str]]]],
    statements: Sequence[Sequence[str]],
    *,
    n_pieces: int,
) -> RecordTexts:
    """Return the texts of recordings as arrays.

    Parameters
    ----------
    texts
        Of each recording, its texts, each with the statements that it mentions.
    statements
        Of each recording, all its statements.
    n_pieces
        How many numbers pieces can have.

    Raises
    ------
    OptionError
        If lengths disagree, a text holds no word, or there is no text at all.

    Examples
    --------
    >>> made = record_texts([[("sinus rhythm", ["SR"])], []], [["SR"], ["AFIB"]], n_pieces=64)
    >>> made.count.tolist(), made.has.tolist()
    ([1, 0], [[False, True], [True, False]])
    """
    if len(texts) != len(statements):
        raise OptionError(
            f"texts of {len(texts)} recordings arrived with the statements of {len(statements)}; "
            "one entry for each recording is needed in both."
        )
    flat = [pair for own in texts for pair in own]
    if not flat:
        raise OptionError("no recording has a text; at least one is needed.")
    known = sorted({code for own in statements for code in own} | {c for _, s in flat for c in s})
    column = {code: k for k, code in enumerate(known)}
    pieces = [text_pieces(text, n_pieces) for text, _ in flat]
    if empty := [text for (text, _), p in zip(flat, pieces, strict=True) if not p.size]:
        raise OptionError(f"the text '{empty[0][:60]}' holds no word; leave it out.")
    padded = np.full((len(flat), max(map(len, pieces))), -1, np.int64)
    for row, own in zip(padded, pieces, strict=True):
        row[: len(own)] = own
    count = np.array([len(own) for own in texts], np.int64)
    return RecordTexts(
        pieces=torch.from_numpy(padded),
        says=_marked([said for _, said in flat], column),
        has=_marked(statements, column),
        first=torch.from_numpy(np.cumsum(count) - count),
        count=torch.from_numpy(count),
    )


def _marked(lists: Sequence[Sequence[str]], column: dict[str, int]) -> Bool[Tensor, "_ statement"]:
    marked = torch.zeros(len(lists), len(column), dtype=torch.bool)
    for row, codes in zip(marked, lists, strict=True):
        row[[column[code] for code in codes]] = True
    return marked
