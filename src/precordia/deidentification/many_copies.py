# SPDX-License-Identifier: Apache-2.0
"""De-identified copies of a folder: one bad file never stops the rest, and a run can go on."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from precordia.core.errors import PrecordiaError
from precordia.core.value import Value
from precordia.deidentification.copies import Copy, deidentify_into
from precordia.deidentification.pseudonyms import Pseudonyms
from precordia.workers import LOST, over_all


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOutcome(Value):
    """What became of one recording.

    Attributes
    ----------
    source
        The original.
    status
        ``"done"``, ``"skipped"`` (the copy was there) or ``"failed"``.
    copy
        The copy; None where there is none.
    problem
        A sentence where it failed.
    """

    source: str
    status: str
    copy: Copy | None = None
    problem: str = ""


def deidentify_many(
    files: Iterable[Path],
    root: Path,
    output: Path,
    *,
    key: bytes,
    to: str | None = None,
    n_jobs: int = 1,
    overwrite: bool = False,
    options: dict[str, Any] | None = None,
) -> Iterator[CopyOutcome]:
    """Copy recordings into one folder under names that tell nothing.

    Parameters
    ----------
    files, root
        The recordings and the folder that they are in.
    output
        Folder of the copies.
    key
        Secret of the pseudonyms; with the same key a second run makes the same names and skips
        what is there.
    to
        Format of all copies; by default each keeps its own.
    n_jobs
        Processes.
    overwrite
        Make copies again that are there.
    options
        Passed to the reader.

    Yields
    ------
    One outcome per file, in their order.
    """
    work = functools.partial(
        _one, root=root, output=output, key=key, to=to, overwrite=overwrite, options=options or {}
    )
    for path, outcome in over_all(work, files, n_jobs=n_jobs):
        yield outcome or CopyOutcome(source=str(path), status="failed", problem=LOST)


def _one(
    path: Path,
    *,
    root: Path,
    output: Path,
    key: bytes,
    to: str | None,
    overwrite: bool,
    options: dict[str, Any],
) -> CopyOutcome:
    pseudonyms = Pseudonyms(key)
    inside = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
    name = pseudonyms.file_name(inside.as_posix())
    try:
        copy = deidentify_into(
            path, output, name=name, pseudonyms=pseudonyms, to=to, overwrite=overwrite, **options
        )
    except PrecordiaError as error:
        return CopyOutcome(source=str(path), status="failed", problem=str(error))
    except MemoryError:
        return CopyOutcome(source=str(path), status="failed", problem="memory ran out.")
    return CopyOutcome(source=str(path), status="done" if copy else "skipped", copy=copy)
