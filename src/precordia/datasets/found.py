# SPDX-License-Identifier: Apache-2.0
"""What a loader found in a folder, before it is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from precordia.core.record import Remark
from precordia.datasets.item import Item


@dataclass(slots=True, kw_only=True)
class Found:
    """Records that a loader found, for `precordia.datasets.assemble.assemble` to check.

    Attributes
    ----------
    items
        Every record of the labels' table, whether its file is there or not.
    classes
        Classes of the task in their published order; None for those that occur, sorted.
    unlabelled
        Names of recordings in the folder that no row of labels names.
    keep_empty
        Keep records without a label of the task.
    remarks
        What was noticed.
    """

    items: list[Item]
    classes: Sequence[str] | None = None
    unlabelled: list[str] = field(default_factory=list)
    keep_empty: bool = False
    remarks: list[Remark] = field(default_factory=list)

    def remark(self, code: str, text: str) -> None:
        """Add a remark."""
        self.remarks.append(Remark(code=code, text=text))


def such_as(names: Sequence[str], *, most: int = 3) -> str:
    """Name a few of many.

    Examples
    --------
    >>> such_as(["A1", "A2", "A3", "A4"])
    'such as A1, A2, A3'
    >>> such_as(["A1"])
    'A1'
    """
    few = ", ".join(names[:most])
    return f"such as {few}" if len(names) > most else few


def counted(n: int, what: str, many: str = "") -> str:
    """Say how many, in words that fit.

    Examples
    --------
    >>> counted(1, "record"), counted(2, "record")
    ('1 record', '2 records')
    """
    return f"{n} {what}" if n == 1 else f"{n} {many or what + 's'}"
