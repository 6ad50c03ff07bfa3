# SPDX-License-Identifier: Apache-2.0
"""Check that a database on disk is what its publisher says, and that its records read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from precordia.core.errors import PrecordiaError
from precordia.core.value import Value
from precordia.datasets.checksums import LIST_NAME, digest_of, read_checksums
from precordia.datasets.dataset import load_dataset
from precordia.datasets.item import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification(Value):
    """What was checked, and what was wrong.

    Attributes
    ----------
    name, folder
        Which database, and where.
    n_listed
        Files in the list of checksums; 0 where there is no list.
    n_right, n_missing
        Files that hold what they should, and that are not there.
    damaged
        Files that hold something else.
    n_read
        Records that were read.
    unreadable
        Records that were not, each with the reason.
    remarks
        What loading noticed.
    """

    name: str
    folder: str
    n_listed: int
    n_right: int
    n_missing: int
    damaged: tuple[str, ...]
    n_read: int
    unreadable: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing that is there is wrong; a part of a database may be missing."""
        return not self.damaged and not self.unreadable

    def __str__(self) -> str:
        if self.n_listed:
            sums = (
                f"checksums   {self.n_right} of {self.n_listed} files right, "
                f"{len(self.damaged)} damaged, {self.n_missing} not here"
            )
        else:
            sums = f"checksums   no {LIST_NAME} in the folder; files were not compared"
        lines = [sums, f"records     {self.n_read} read, {len(self.unreadable)} unreadable"]
        lines += [f"damaged: {name}" for name in self.damaged]
        lines += [f"unreadable: {words}" for words in self.unreadable]
        lines += [f"note: {text}" for text in self.remarks]
        return "\n".join(lines)


def verify_dataset(
    name: str,
    folder: str | Path,
    *,
    task: str | None = None,
    limit: int | None = None,
    watch: Callable[[Sequence[Any]], Iterable[Any]] = iter,
    **options: Any,
) -> Verification:
    r"""Compare the files of a database with their checksums, and read its records.

    Parameters
    ----------
    name, folder, task, **options
        As for `load_dataset`.
    limit
        Read only so many records; checksums are compared in full.
    watch
        Wraps files and records for a display of progress.

    Returns
    -------
    What was checked. A file of the list that is not here is counted and no mistake: parts of
    databases are used too.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.datasets.toy import toy_record
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "labels.csv").write_text("path,patient_id,label\na.hea,1,x\\n")
    >>> for end in (".hea", ".dat"):
    ...     content = toy_record().with_suffix(end).read_bytes().replace(b"toy.dat", b"a.dat")
    ...     _ = (folder / f"a{end}").write_bytes(content)
    >>> verify_dataset("folder", folder).n_read
    1
    """
    root = Path(folder)
    dataset = load_dataset(name, root, task=task, **options)
    right, missing, damaged, listed = 0, 0, [], {}
    if (root / LIST_NAME).is_file():
        listed = read_checksums(root / LIST_NAME)
    for path, digest in watch(list(listed.items())):
        place = root.joinpath(*path.split("/"))
        if not place.is_file():
            missing += 1
        elif digest_of(place) == digest:
            right += 1
        else:
            damaged.append(path)
    items = dataset.items if limit is None else dataset.items[:limit]
    unreadable = [words for item in watch(items) if (words := _mistake_of(item))]
    return Verification(
        name=name,
        folder=str(root),
        n_listed=len(listed),
        n_right=right,
        n_missing=missing,
        damaged=tuple(damaged),
        n_read=len(items) - len(unreadable),
        unreadable=tuple(unreadable),
        remarks=tuple(remark.text for remark in dataset.remarks),
    )


def _mistake_of(item: Item) -> str:
    try:
        item.read()
    except (PrecordiaError, OSError) as error:
        return f"{item.name}: {error}"
    return ""
