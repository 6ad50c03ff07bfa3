# SPDX-License-Identifier: Apache-2.0
"""The numbers of a table of text."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import numpy as np

from precordia.core.errors import FormatError
from precordia.io.csv_clock import seconds_of_clock
from precordia.io.csv_layout import CsvLayout

_BLANK = re.compile(r"\n *(?=\n|$)")
_MISSING_WORD = re.compile(r"(?<![\w.])(?:na|n/a|null|none|-|\?|\*)(?![\w.])", re.IGNORECASE)


class CsvNumbers:
    """The cells of a table as numbers, column by column.

    Parameters
    ----------
    layout
        How the table is laid out.
    name
        Name of the file, for messages.
    """

    def __init__(self, layout: CsvLayout, name: str) -> None:
        self.layout = layout
        self.name = name
        self.text = _filled(layout)

    def columns(self, which: Sequence[int], *, max_rows: int | None = None) -> np.ndarray:
        """Return columns as (column, sample), NaN where a cell is empty."""
        layout = self.layout
        clock = layout.first_is_clock and 0 in which
        convert = {0: seconds_of_clock} if clock else None
        try:
            return np.loadtxt(
                io.StringIO(self.text), comments=None, delimiter=layout.delimiter or None,
                usecols=list(which), ndmin=2, max_rows=max_rows, unpack=True, converters=convert,
                encoding=None,
            )  # fmt: skip
        except ValueError as error:
            raise self.damaged(error) from error

    def damaged(self, error: ValueError) -> FormatError:
        """Return the error for a cell that is no number or a row that is too short."""
        found = re.search(r"at row (\d+)", str(error))
        line = int(found.group(1)) + self.layout.first_line if found else 0
        where = f"near line {line}" if found else "somewhere"
        return FormatError(
            f"'{self.name}' has {where} a cell that is no number, or a row of another length; "
            f"{self.layout.n_columns} columns of numbers were needed. Correct or cut the file "
            "there."
        )


def _filled(layout: CsvLayout) -> str:
    """Return the text of the numbers with points for commas and nan for empty cells."""
    text = layout.text
    if '"' in text or ("'" in text):
        text = text.replace('"', "").replace("'", "")
    if _BLANK.search(text):
        text = _BLANK.sub("", text)
    if layout.decimal == ",":
        text = text.replace(",", ".")
    sign = layout.delimiter
    if sign:
        mark = re.escape(sign)
        empty = rf"(?:^|\n) *{mark}|{mark} *(?:\n|$)|{mark} *{mark}"
        if re.search(empty, text):
            text = re.sub(rf"{mark}(?=[ ]*(?:{mark}|\n|$))", f"{sign}nan", text)
            text = re.sub(rf"(^|\n)(?=[ ]*{mark})", r"\1nan", text)
    if _MISSING_WORD.search(text):
        text = _MISSING_WORD.sub("nan", text)
    return text
