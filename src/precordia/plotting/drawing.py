# SPDX-License-Identifier: Apache-2.0
"""A drawing: SVG text that can also be saved as PNG or PDF."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from precordia.core.errors import OptionError
from precordia.core.output import whole_file
from precordia.core.record import Record
from precordia.plotting.marks import Span
from precordia.plotting.page import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A record on ECG paper.

    Attributes
    ----------
    svg
        The drawing as SVG text.
    page
        Its layout, mm; None for a tachogram, which is what beat times without a signal give.
    """

    svg: str = field(repr=False)
    page: Page | None = field(repr=False)
    record: Record = field(repr=False)
    spans: tuple[Span, ...] = field(repr=False, default=())
    highlighted: frozenset[int] = frozenset()

    def save(
        self, path: str | os.PathLike[str], *, dpi: float = 150, overwrite: bool = True
    ) -> Path:
        """Save as ``.svg``, ``.png`` or ``.pdf``, whole or not at all.

        Parameters
        ----------
        path
            Where; the suffix decides the format.
        dpi
            Dots per inch of a PNG.
        overwrite
            Replace a file that is already there.

        Returns
        -------
        The path.

        Raises
        ------
        OptionError
            If the suffix is another one.
        OutputError
            If the file could not be written.
        """
        target = Path(path)
        kind = target.suffix.lower()
        if kind not in (".svg", ".png", ".pdf"):
            raise OptionError(
                f"'{target.name}' has the suffix '{kind}'; a drawing is saved as "
                ".svg, .png or .pdf."
            )
        with whole_file(target, overwrite=overwrite) as part:
            if kind == ".svg":
                part.write_text(self.svg, encoding="utf-8")
            elif self.page is None:
                from precordia.plotting.tachogram import save_tachogram

                save_tachogram(self.record, part, kind=kind[1:], dpi=dpi)
            else:
                from precordia.plotting.figure import save_figure

                save_figure(
                    self.page,
                    self.record,
                    self.spans,
                    self.highlighted,
                    part,
                    kind=kind[1:],
                    dpi=dpi,
                )
        return target

    def _repr_svg_(self) -> str:
        return self.svg
