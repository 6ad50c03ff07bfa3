# SPDX-License-Identifier: Apache-2.0
"""Catalogue a folder: parallel, resumable, in bounded memory."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from precordia import __version__
from precordia.cataloguing.journal import Journal, digest
from precordia.cataloguing.page import catalogue_page
from precordia.cataloguing.row import CatalogueRow, describe, name_within
from precordia.cataloguing.summary import Summary, summarise
from precordia.cataloguing.table import table_writer
from precordia.core.errors import FormatError, MissingFileError, OptionError, OutputError
from precordia.core.output import write_text_whole
from precordia.deidentification.pseudonyms import make_key
from precordia.io.find import find_recordings
from precordia.workers import LOST, over_all

#: files that travel to a process together
_BATCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What was written.

    Attributes
    ----------
    table, page
        The files.
    summary
        What the page shows.
    n_resumed
        Rows that an interrupted run had made.
    """

    table: Path
    page: Path
    summary: Summary
    n_resumed: int = 0

    def __str__(self) -> str:
        s = self.summary
        resumed = f" ({self.n_resumed} of them by an interrupted run)" if self.n_resumed else ""
        return (
            f"{s.n_files} recordings{resumed}: {s.n_acceptable} acceptable, "
            f"{s.n_assessed - s.n_acceptable} not, {s.n_failed} could not be read.\n"
            f"Table: {self.table}\nPage:  {self.page}"
        )


def catalogue(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    n_jobs: int = 1,
    overwrite: bool = False,
    key: bytes | None = None,
    progress: Callable[[CatalogueRow | None], None] | None = None,
    **options: Any,
) -> Catalogue:
    """Write one row for every recording in a folder, and a page about all of them.

    Parameters
    ----------
    folder
        Where the recordings are, however deep.
    output
        The table: ``.parquet`` or ``.csv``. The page has the same name and ends in ``.html``.
    n_jobs
        Processes.
    overwrite
        Replace a table and page that are there, and forget an interrupted run.
    key
        Secret of the pseudonyms of the patients; with the same key they are the same in every
        catalogue. By default a new one is made and forgotten.
    progress
        Called with every new row, and with None for rows of an interrupted run.
    **options
        Passed to the reader.

    Returns
    -------
    Where the files are, and the summary.

    Raises
    ------
    OutputError
        If something is there already or cannot be written.
    FormatError
        If the folder holds no recording, or was catalogued in part with other options.
    OptionError
        If it was catalogued in part with another key.

    Notes
    -----
    Rows are appended to ``OUTPUT.journal`` as they are made. When the run is interrupted the
    journal stays, and the same call goes on where it stopped; it is deleted when the table is
    written. Memory does not grow with the number of files: they are listed as they are needed,
    and the table is written in groups of rows.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.datasets.toy import toy_record
    >>> place = Path(tempfile.mkdtemp())
    >>> made = catalogue(Path(toy_record()).parent, place / "index.csv")
    >>> made.summary.n_failed
    0
    """
    root, table = Path(folder), Path(output)
    if not root.is_dir():
        raise MissingFileError(f"there is no folder '{root}'. Check the path.")
    write_table = table_writer(table)
    page = table.with_suffix(".html")
    _check_free(table, page, overwrite=overwrite)
    path = table.with_name(table.name + ".journal")
    if overwrite:
        path.unlink(missing_ok=True)
    run = {"folder": str(root.resolve()), "options": {k: str(v) for k, v in options.items()}}
    journal = Journal(path, run={"version": __version__, **run}, key=key or make_key())
    if key not in (None, journal.key):
        journal.close()
        raise OptionError(
            f"'{path.name}' was left by a run with another key. Give the same key again, or start "
            "anew with overwrite=True."
        )
    try:
        done = journal.done()
        for _ in range(len(done)) if progress else ():
            progress(None)  # type: ignore[misc]
        for row in _new_rows(root, table, done, journal.key, n_jobs, options):
            journal.add(row)
            if progress:
                progress(row)
    finally:
        journal.close()
    summary = summarise(journal.rows())
    if summary.n_files == 0:
        journal.remove()
        raise FormatError(
            f"no recording was found in '{root}'. Name a folder that holds some; list_formats() "
            "lists what is read."
        )
    write_table(journal.rows(), table, overwrite)
    text = catalogue_page(summary, title=root.resolve().name, version=__version__)
    write_text_whole(text, page, overwrite=overwrite)
    journal.remove()
    return Catalogue(table=table, page=page, summary=summary, n_resumed=len(done))


def _check_free(*paths: Path, overwrite: bool) -> None:
    for path in paths:
        if path.exists() and not overwrite:
            raise OutputError(
                f"'{path}' exists and was left as it is. "
                "Choose another name, or allow overwriting (overwrite=True, --force)."
            )
        if not path.parent.is_dir():
            raise OutputError(f"there is no folder '{path.parent}'. Make it first.")


def _new_rows(
    root: Path, table: Path, done: set[int], key: bytes, n_jobs: int, options: dict[str, Any]
) -> Iterator[CatalogueRow]:
    # A catalogue of an earlier run may lie in the folder; it is no recording.
    own = {table.resolve().with_suffix(suffix) for suffix in (table.suffix, ".csv", ".parquet")}
    files = (
        path
        for path in find_recordings(root)
        if not (path.stem == table.stem and path.resolve() in own)
        and (not done or digest(name_within(path, root)) not in done)
    )
    work = functools.partial(describe, root=root, key=key, options=options)
    for path, row in over_all(work, files, n_jobs=n_jobs, batch=_BATCH):
        yield row or CatalogueRow(file=name_within(path, root), problem=LOST)
