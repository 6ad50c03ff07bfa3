# SPDX-License-Identifier: Apache-2.0
"""Recordings of a folder or a store into an index."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from precordia.core.embedding import Embedding
from precordia.core.errors import FormatError, MissingFileError, PrecordiaError
from precordia.core.record import Record
from precordia.embedding.embed import embedding_of
from precordia.embedding.embed_files import embed_files
from precordia.embedding.encode import TWELVE, encode_many
from precordia.embedding.index import INDEX, Indexed, append_to_index, open_index
from precordia.embedding.load_encoder import check_encoder
from precordia.embedding.vector_cache import digest_of

#: recordings that are written together: a run that is cut short loses fewer
_TOGETHER = 512
_TABLE = ("file", "labels", "report", "patient")


@runtime_checkable
class RecordStore(Protocol):
    """What is asked of a store; `precordia.datasets.store.Store` is one."""

    def __len__(self) -> int: ...

    def record(self, i: int, /) -> Record:
        """Return one record."""
        ...

    def table(self, columns: Sequence[str] | None = None, /) -> Any:
        """Return columns of all records, as an Arrow table."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What became of the recordings.

    Attributes
    ----------
    n_indexed
        Recordings in the index now.
    n_before
        Recordings that were in it.
    problems
        Name of each recording that could not be embedded, and why.
    n_unused
        Rows of the table that name none of the files.
    n_kept
        Recordings that were in the index with other labels than the table's, and keep them.
    """

    n_indexed: int
    n_before: int
    problems: tuple[tuple[str, str], ...]
    n_unused: int = 0
    n_kept: int = 0


def index_files(
    paths: Iterable[Path],
    folder: Path,
    *,
    model: str = TWELVE,
    known: Mapping[str, Indexed] | None = None,
    texts: bool = False,
    n_jobs: int = 1,
    advance: Callable[[bool], None] = lambda failed: None,
    options: dict[str, Any] | None = None,
) -> Filled:
    """Embed files and add them to an index.

    Parameters
    ----------
    paths
        Recordings.
    folder
        The index; made where there is none.
    model
        The encoder, as in `precordia.embedding.embed.embed`.
    known
        What is known of each file, by its name or its path; see `read_index_table`.
    texts
        Keep the reports; see `append_to_index`.
    n_jobs
        Processes.
    advance
        Told after each file whether it failed.
    options
        Passed to the reader.

    Returns
    -------
    How many there are, and what failed.

    Raises
    ------
    UnknownNameError, WeightsError, MissingExtraError
        If the encoder is not known, damaged or cannot be run.
    OptionError, OutputError
        If the index is of another encoder, or cannot be written.
    FormatError
        If a row of the table could mean several of the files.
    """
    paths, known = list(paths), known or {}
    _refuse_unclear(paths, known)
    there = {(e.name, e.digest): e.labels for e in _entries_of(folder)} if known else {}
    used: set[str] = set()
    kept: list[str] = []
    problems: list[tuple[str, str]] = []

    def made() -> Iterator[tuple[Indexed, Embedding]]:
        for one in embed_files(paths, model=model, n_jobs=n_jobs, options=options):
            advance(one.embedding is None)
            if one.embedding is None:
                problems.append((str(one.path), one.problem))
                continue
            names = [name for name in _names_of(one.path) if name in known]
            used.update(names)
            about = known[names[0]] if names else Indexed(name="")
            if names and there.get((str(one.path), one.digest), about.labels) != about.labels:
                kept.append(names[0])
            yield (
                replace(
                    about,
                    name=str(one.path),
                    patient=about.patient or one.patient_id or "",
                    digest=one.digest,
                ),
                one.embedding,
            )

    filled = _fill(made(), folder, model, texts, problems)
    return replace(filled, n_unused=len(known.keys() - used), n_kept=len(kept))


def _names_of(path: Path) -> tuple[str, str, str]:
    """Return what a table may call a file."""
    return str(path), path.name, path.stem


def _refuse_unclear(paths: Sequence[Path], known: Mapping[str, Indexed]) -> None:
    """Refuse a row that would give what is known of one recording to others of its name."""
    meant: dict[str, Path] = {}
    for path in paths:
        whole, *short = _names_of(path)
        if whole in known:
            continue
        name = next((name for name in short if name in known), None)
        if name is None:
            continue
        other = meant.setdefault(name, path)
        if other != path:
            raise FormatError(
                f"the table's row '{name}' could mean '{other}' and '{path}'. Write their paths in "
                "the column 'file'."
            )


def index_store(
    store: RecordStore,
    folder: Path,
    *,
    model: str = TWELVE,
    texts: bool = False,
    advance: Callable[[bool], None] = lambda failed: None,
) -> Filled:
    """Embed the records of a store and add them to an index, with labels and reports.

    Parameters
    ----------
    store
        `precordia.datasets.store.open_store` opens one.
    folder, model, texts, advance
        As in `index_files`.

    Returns
    -------
    How many there are, and what failed.

    Raises
    ------
    UnknownNameError, WeightsError, MissingExtraError
        If the encoder is not known, damaged or cannot be run.
    OptionError, OutputError
        If the index is of another encoder, or cannot be written.
    """
    check_encoder(model)
    columns = store.table(("dataset", "name", "labels", "report", "patient_id")).to_pydict()
    problems: list[tuple[str, str]] = []

    def made() -> Iterator[tuple[Indexed, Embedding]]:
        waiting: deque[Record] = deque()

        def records() -> Iterator[tuple[Record, None]]:
            for i in range(len(store)):
                waiting.append(store.record(i))
                yield waiting[-1], None

        for i, said in enumerate(encode_many(records(), model=model)):
            record = waiting.popleft()
            name = f"{columns['dataset'][i]}/{columns['name'][i]}"
            advance(isinstance(said, PrecordiaError))
            if isinstance(said, PrecordiaError):
                problems.append((name, str(said)))
                continue
            about = Indexed(
                name=name,
                labels=tuple(columns["labels"][i] or ()),
                report=columns["report"][i] or "",
                patient=columns["patient_id"][i] or "",
                digest=digest_of(record),
            )
            yield about, embedding_of(said, record)

    return _fill(made(), folder, model, texts, problems)


def _fill(
    rows: Iterator[tuple[Indexed, Embedding]],
    folder: Path,
    model: str,
    texts: bool,
    problems: list[tuple[str, str]],
) -> Filled:
    n_before = n_indexed = None
    if Path(model).exists():  # it shall be found from another folder too
        model = str(Path(model).resolve())
    while some := list(islice(rows, _TOGETHER)):
        if n_before is None:
            n_before = _n_in(folder)
        n_indexed = len(append_to_index(folder, some, model=model, texts=texts))
    before = _n_in(folder) if n_before is None else n_before
    return Filled(
        n_indexed=before if n_indexed is None else n_indexed,
        n_before=before,
        problems=tuple(problems),
    )


def _n_in(folder: Path) -> int:
    return len(_entries_of(folder))


def _entries_of(folder: Path) -> Sequence[Indexed]:
    return open_index(folder).entries if (folder / INDEX).is_file() else ()


def read_index_table(path: Path) -> dict[str, Indexed]:
    """Read what is known of files from a table.

    Parameters
    ----------
    path
        CSV with a column ``file`` (name, with or without its ending, or path) and any of
        ``labels`` (between semicolons), ``report`` and ``patient``.

    Returns
    -------
    What is known, by ``file``.

    Raises
    ------
    MissingFileError, FormatError
        If it is not there, no text, lacks the column, or tells two things of one file.
    """
    if not path.is_file():
        raise MissingFileError(f"'{path}' is not there; a CSV with a column 'file' is needed.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeError, csv.Error) as error:
        raise FormatError(f"'{path}' is no CSV in UTF-8 ({error}).") from error
    columns = set(rows[0]) - {None} if rows else set()
    if "file" not in columns or not columns & {*_TABLE[1:]}:
        raise FormatError(
            f"'{path}' has the columns {', '.join(sorted(columns)) or 'none'}; 'file' and at least "
            "one of labels, report, patient are needed."
        )
    known: dict[str, Indexed] = {}
    for row in rows:
        if not (name := row["file"]):
            continue
        told = Indexed(
            name=name,
            labels=tuple(x.strip() for x in (row.get("labels") or "").split(";") if x.strip()),
            report=row.get("report") or "",
            patient=row.get("patient") or "",
        )
        if known.setdefault(name, told) != told:
            raise FormatError(
                f"'{path}' has two rows of '{name}' that differ. Several labels of a file stand in "
                "one row, between semicolons."
            )
    return known
