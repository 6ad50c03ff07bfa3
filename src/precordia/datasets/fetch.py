# SPDX-License-Identifier: Apache-2.0
"""Fetch a public database, when somebody asked for it and said yes to its size."""

from __future__ import annotations

import fnmatch
import json
import shutil
import urllib.parse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from precordia.core.errors import FormatError, OptionError, OutputError
from precordia.core.output import write_text_whole
from precordia.core.value import Value
from precordia.datasets.card import DatasetCard
from precordia.datasets.checksums import LIST_NAME, digest_of, parse_checksums, safe_parts
from precordia.datasets.databases import dataset_card
from precordia.datasets.download import check_address, fetch_file, fetch_text
from precordia.datasets.store_lock import writing

_MOST_LIST_BYTES = 512 << 20
#: carries the lock of the process that fetches into a folder
_LOCK = ".fetch.lock"
#: room that is left on the disk whatever is fetched
_SPARE_BYTES = 100 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile(Value):
    """One file of a database where it is published.

    Attributes
    ----------
    name
        Path below the folder.
    url
        Address.
    digest, algorithm
        Checksum; empty where none is published.
    n_bytes
        Size; 0 where it is not known before.
    """

    name: str
    url: str
    digest: str = ""
    algorithm: str = "sha256"
    n_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched(Value):
    """What a fetch did.

    Attributes
    ----------
    name, folder
        Which database, and where it is now.
    n_files
        Files that were wanted.
    n_fetched, n_kept
        Files that were fetched now, and that were there and right already.
    n_bytes
        Bytes that came.
    """

    name: str
    folder: str
    n_files: int
    n_fetched: int
    n_kept: int
    n_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.n_files} files in {self.folder}, {self.n_fetched} fetched "
            f"({words_of_bytes(self.n_bytes)}), {self.n_kept} there already"
        )


def words_of_bytes(n_bytes: float) -> str:
    """Say a size as people do.

    Examples
    --------
    >>> words_of_bytes(3_000_000_000), words_of_bytes(512)
    ('3.0 GB', '512 B')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000 or unit == "GB":
            break
        n_bytes /= 1000
    return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"


def fetch_dataset(
    name: str,
    folder: str | Path,
    *,
    confirmed: bool = False,
    only: Sequence[str] = (),
    url: str | None = None,
    watch: Callable[[Sequence[RemoteFile]], Iterable[RemoteFile]] = iter,
) -> Fetched:
    """Fetch a database from where it is published. Nothing is fetched before ``confirmed``.

    Parameters
    ----------
    name
        Name of the database.
    folder
        Where its files should be; made if it is not there.
    confirmed
        Say yes to the size and the licence, which the error without it states.
    only
        Patterns of paths, such as ``"records100/*"``; all files by default. Files at the root,
        which hold the tables, always come.
    url
        Another address of the same files, such as a mirror.
    watch
        Wraps the files for a display of progress.

    Returns
    -------
    What was done.

    Raises
    ------
    OptionError
        If it was not confirmed, the database cannot be fetched, the environment forbids the
        network (``PRECORDIA_OFFLINE``), or the address is none of http or https.
    OutputError
        If the server fails, a file is not what its checksum says, the disk is too small or
        refuses, or another process is fetching into the folder.
    FormatError
        If the list of files is damaged, or names one out of the folder.

    Notes
    -----
    A file that is there and has the right checksum is not fetched again; one that broke off goes
    on from where it did. Checksums are PhysioNet's ``SHA256SUMS.txt`` and Zenodo's MD5.

    Examples
    --------
    >>> fetch_dataset("mitdb", "mitdb")
    Traceback (most recent call last):
    precordia.core.errors.OptionError: fetching 'mitdb' brings about 105.0 MB from physionet.org ...
    """
    card = dataset_card(name)
    address = _address(card, url)
    if not confirmed:
        raise OptionError(fetch_question(card, folder, url=address))
    check_address(address)
    root = Path(folder)
    files, listing = _files(card, address)
    files = [file for file in files if _wanted(file.name, only)]
    if not files:
        raise OptionError(
            f"no file of '{name}' fits {', '.join(only) or 'its card'}. Paths look like those of "
            f"{'; '.join(card.layout)}."
        )
    _check_room(root, sum(file.n_bytes for file in files) or int(card.fetch.get("bytes", 0)), only)
    targets = {file.name: _target(root, file.name) for file in files}
    _make_folder(root)
    fetched = kept = n_bytes = 0
    with writing(root, name=_LOCK, stays=False):
        if listing:
            write_text_whole(listing, root / LIST_NAME, overwrite=True)
        for file in watch(files):
            target = targets[file.name]
            if _is_right(target, file):
                kept += 1
                continue
            _make_folder(target.parent)
            _target(root, file.name)  # again: a link may have come meanwhile
            n_bytes += fetch_file(file.url, target, digest=file.digest, algorithm=file.algorithm)
            fetched += 1
    return Fetched(
        name=name,
        folder=str(root),
        n_files=len(files),
        n_fetched=fetched,
        n_kept=kept,
        n_bytes=n_bytes,
    )


def fetch_question(card: DatasetCard, folder: str | Path, *, url: str = "") -> str:
    """Say what a fetch would bring, from where, under which licence, and how to say yes."""
    size = int(card.fetch.get("bytes", 0))
    words = f"about {words_of_bytes(size)}" if size else "an amount that is not known before"
    host = urllib.parse.urlsplit(url or card.fetch.get("url", "")).hostname
    return (
        f"fetching '{card.name}' brings {words} from {host} into '{folder}', under the licence "
        f"{card.licence} ({card.url}). Nothing was fetched: say yes with confirmed=True (--yes)."
    )


def _address(card: DatasetCard, url: str | None) -> str:
    if card.fetch["kind"] == "by-hand":
        raise OptionError(f"'{card.name}' cannot be fetched. {card.fetch['advice']} {card.url}")
    return url or card.fetch["url"]


def _files(card: DatasetCard, address: str) -> tuple[list[RemoteFile], str]:
    if card.fetch["kind"] == "zenodo":
        return _of_zenodo(fetch_text(address, most_bytes=_MOST_LIST_BYTES)), ""
    root = address if address.endswith("/") else address + "/"
    text = fetch_text(root + LIST_NAME, most_bytes=_MOST_LIST_BYTES)
    prefix = card.fetch.get("only", "")
    files = [
        RemoteFile(name=name, url=root + urllib.parse.quote(name), digest=digest)
        for name, digest in parse_checksums(text).items()
        if name.startswith(prefix)
    ]
    return files, text


def _of_zenodo(text: str) -> list[RemoteFile]:
    try:
        entries = json.loads(text)["files"]
        files = []
        for entry in entries:
            algorithm, _, digest = str(entry["checksum"]).rpartition(":")
            files.append(
                RemoteFile(
                    name="/".join(safe_parts(str(entry["key"]))),
                    url=check_address(str(entry["links"]["self"])),
                    digest=digest,
                    algorithm=algorithm or "md5",
                    n_bytes=int(entry["size"]),
                )
            )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, FormatError | OptionError):
            raise
        raise FormatError(
            "Zenodo's list of files is not as it used to be. Fetch the files by hand from the "
            "address of the card."
        ) from error
    if wrong := sorted({f.algorithm for f in files} - {"md5", "sha256", "sha512"}):
        raise FormatError(f"Zenodo gives checksums of the kind '{wrong[0][:20]}', not known here.")
    return files


def _wanted(name: str, only: Sequence[str]) -> bool:
    return not only or "/" not in name or any(fnmatch.fnmatchcase(name, p) for p in only)


def _target(root: Path, name: str) -> Path:
    """Return where a file goes, never through a link out of the folder."""
    target = root.joinpath(*safe_parts(name))
    inside = root.resolve()
    if target.is_symlink() or not target.parent.resolve().is_relative_to(inside):
        raise OutputError(
            f"'{target}' leads out of the folder through a link. Remove the link, or choose another"
            " folder; nothing was fetched."
        )
    return target


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder '{folder}' cannot be made ({error.strerror}). Choose another."
        ) from error


def _is_right(target: Path, file: RemoteFile) -> bool:
    if not target.is_file() or not file.digest:
        return False
    return digest_of(target, file.algorithm) == file.digest.lower()


def _check_room(root: Path, needed: int, only: Sequence[str]) -> None:
    there = root
    while not there.exists():
        there = there.parent
    held = sum(p.stat().st_size for p in root.rglob("*") if p.is_file()) if root.exists() else 0
    free = shutil.disk_usage(there).free - _SPARE_BYTES
    if not only and needed - held > free:
        raise OutputError(
            f"about {words_of_bytes(needed)} are needed and {words_of_bytes(max(free, 0))} are "
            f"free at '{there}'. Free the disk, choose another folder, or fetch a part (only=, "
            "--only)."
        )
