# SPDX-License-Identifier: Apache-2.0
"""Build a store of recordings, or add to one; a run that was ended goes on where it stopped."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from precordia import __version__
from precordia.core.errors import OptionError, OutputError, unknown_name
from precordia.core.leads import canonical_lead
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.core.value import Value
from precordia.datasets.dataset import Dataset
from precordia.datasets.found import counted, such_as
from precordia.datasets.item import Item
from precordia.datasets.store_columns import require_pyarrow
from precordia.datasets.store_lock import LOCK, writing
from precordia.datasets.store_manifest import (
    MANIFEST,
    Manifest,
    StorePart,
    StoreSettings,
    is_store,
    read_manifest,
    settle_folder,
    write_manifest,
)
from precordia.datasets.store_row import Encoded, encode_item
from precordia.datasets.store_shard import CODECS, read_columns, write_shard
from precordia.workers import LOST, over_all

#: a shard ends after so many records, or so many bytes of signal
_MOST_RECORDS = 512
_MOST_BYTES = 64 << 20
_UNKNOWN_WORDS = ("", "nan", "none", "null", "na", "<na>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Built(Value):
    """What a run did.

    Attributes
    ----------
    store
        Folder of the store.
    n_added
        Rows that this run added.
    n_before
        Rows that were there already.
    n_bytes
        Size of all shards.
    left_out
        Records that could not be stored, each with the reason.
    remarks
        What was noticed.
    """

    store: str
    n_added: int
    n_before: int
    n_bytes: int
    left_out: dict[str, str]
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            f"{self.store}: {counted(self.n_added, 'record')} added, {self.n_before} there "
            f"before; {self.n_bytes / 1e6:.1f} MB"
        ]
        lines += [f"left out: {name}: {reason}" for name, reason in self.left_out.items()]
        lines += [f"note: {text}" for text in self.remarks]
        return "\n".join(lines)


def build_store(
    dataset: Dataset | Sequence[Item],
    path: str | Path,
    *,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    seconds: float | None = None,
    codec: str | None = None,
    quality: Callable[[Record], Quality] | None = None,
    name: str | None = None,
    n_jobs: int = 1,
    overwrite: bool = False,
    watch: Callable[[Sequence[Any]], Iterable[Any]] = iter,
) -> Built:
    r"""Write the recordings of a database into a store, or add those that it lacks.

    Parameters
    ----------
    dataset
        What `load_dataset` found, a part of a split, or items of one's own.
    path
        Folder of the store; made where it is not there.
    fs
        Sampling rate to bring all recordings to, Hz; each keeps its own by default.
    leads
        Leads to keep, in this order. What a recording lacks of them is not invented; it counts as
        absent. Each keeps its own by default.
    seconds
        Cut recordings into pieces of this length, end to end; what is left at the end is dropped,
        a recording shorter than one piece stays whole. They stay whole by default.
    codec
        ``"zstd"`` (small) or ``"lz4"`` (faster to read).
    quality
        Called with each recording as it was read, such as `precordia.assess`.
    name
        Name of the database in the store; that of its card by default. Two folders of one's own
        need different names.
    n_jobs
        Processes.
    overwrite
        Begin anew where a store is there.
    watch
        Wraps the items for a display of progress.

    Returns
    -------
    Counts, what was left out and why, and remarks.

    Raises
    ------
    OptionError
        If an option makes no sense or differs from the store's, a name comes twice, or a label is
        no word.
    FormatError
        If the folder holds something else, or the store is damaged.
    OutputError
        If the disk refuses; what was stored so far stays, and the next run goes on from there.
    MissingExtraError
        If pyarrow is not installed.

    Notes
    -----
    Rows are written in shards of up to 512 records, in the order of the items, and a shard belongs
    to the store from the moment that the manifest, which is replaced whole, names it. A run that
    is killed at any instant therefore leaves a store of the shards before it, and the same call
    afterwards makes the very files that an undisturbed run makes.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.datasets.toy import toy_record
    >>> item = Item(name="toy", path=toy_record(), labels=("normal",))
    >>> built = build_store([item], Path(tempfile.mkdtemp()) / "store", name="toys")
    >>> built.n_added, built.n_before
    (1, 0)
    """
    require_pyarrow()
    folder = Path(path)
    part = _part_of(dataset, name)
    items = tuple(dataset)
    _check_items(items)
    wanted = _wanted(fs, leads, seconds, codec)
    _check_place(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with writing(folder):
            manifest = _opened(folder, wanted, part, overwrite=overwrite)
            root = str(dataset.folder) if isinstance(dataset, Dataset) else ""
            encode = functools.partial(
                encode_item, settings=manifest.settings, root=root, quality=quality
            )
            return _fill(folder, manifest, part, items, encode, n_jobs=n_jobs, watch=watch)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"'{folder}' could not be written ({error.strerror or error}). What was stored before "
            "is whole; make room or choose another place, and the same call goes on from there."
        ) from error


def _part_of(dataset: Dataset | Sequence[Item], name: str | None) -> StorePart:
    if not isinstance(dataset, Dataset):
        classes = tuple(sorted({label for item in dataset for label in item.labels}))
        return StorePart(dataset=name or "items", task="labels", classes=classes)
    card = dataset.card
    return StorePart(
        dataset=name or card.name,
        task=dataset.task,
        classes=dataset.classes,
        title=card.title,
        version=card.version,
        licence=card.licence,
        url=card.url,
        card_fingerprint=hashlib.blake2b(card.to_json().encode(), digest_size=16).hexdigest(),
        remarks=tuple(remark.text for remark in dataset.remarks),
    )


def _check_items(items: Sequence[Item]) -> None:
    if not items:
        raise OptionError("no record arrived; at least one is needed. Check the data set.")
    seen = Counter(item.name for item in items)
    if twice := sorted(name for name, n in seen.items() if n > 1):
        raise OptionError(
            f"{counted(len(twice), 'record name')} more than once ({such_as(twice)}); each record "
            "needs a name of its own. Rename or drop the repeated ones."
        )
    for item in items:
        for label in item.labels:
            if not isinstance(label, str) or label.strip().lower() in _UNKNOWN_WORDS:
                raise OptionError(
                    f"record '{item.name}' has the label {label!r}, which is no class. Leave out "
                    "labels that are not known, or the record."
                )


def _wanted(
    fs: float | None, leads: Sequence[str] | None, seconds: float | None, codec: str | None
) -> dict[str, Any]:
    """Check the settings that were given."""
    for name, value, most in (("fs", fs, 1e5), ("seconds", seconds, 1e6)):
        if value is not None and not 0 < value < most:
            raise OptionError(f"{name} is {value}; a number between 0 and {most:g} is needed.")
    if codec is not None and codec not in CODECS:
        raise unknown_name("codec", codec, CODECS, listing=", ".join(CODECS))
    if leads is not None:
        if isinstance(leads, str) or not leads or len(set(leads)) != len(leads):
            raise OptionError(
                f"leads are {leads!r}; names that differ are needed, such as ('I', 'II', 'V2')."
            )
        for lead in leads:
            if canonical_lead(lead) not in (None, lead):
                raise OptionError(
                    f"there is no lead '{lead}'. Did you mean '{canonical_lead(lead)}'?"
                )
    given = {"fs": fs, "leads": tuple(leads or ()) or None, "seconds": seconds, "codec": codec}
    return {name: value for name, value in given.items() if value is not None}


def _check_place(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"'{folder}' is a file; the folder of a store is needed.")
    if folder.is_dir() and not is_store(folder):
        there = [place.name for place in folder.iterdir() if not _is_ours(place.name)]
        if there:
            raise OutputError(
                f"'{folder}' holds other files ({such_as(sorted(there))}) and no store; nothing "
                "was touched. Choose an empty or a new folder."
            )


def _is_ours(name: str) -> bool:
    return name in (MANIFEST, LOCK, f".{MANIFEST}.part") or (
        name.startswith("records-") and name.endswith((".parquet", ".pages.npy"))
    )


def _opened(folder: Path, wanted: dict[str, Any], part: StorePart, *, overwrite: bool) -> Manifest:
    """Read the manifest, or begin one; then drop what no manifest names."""
    if is_store(folder) and not overwrite:
        manifest = read_manifest(folder)
        _check_same(manifest, wanted, part)
    else:
        manifest = Manifest(settings=StoreSettings(**wanted), written_by=__version__)
        write_manifest(folder, manifest)
    named = {name for shard in manifest.shards for name in (shard.file, shard.pages)}
    for place in list(folder.iterdir()):
        if place.name.startswith("records-") and _is_ours(place.name) and place.name not in named:
            place.unlink()
    return manifest


def _check_same(manifest: Manifest, wanted: dict[str, Any], part: StorePart) -> None:
    held = manifest.settings
    for name, value in wanted.items():
        if getattr(held, name) != value:
            said = getattr(held, name) or "as recorded"
            raise OptionError(
                f"the store was built with {name} {said}, and {value} was asked for; one store has "
                f"one. Leave {name} out, build another store, or begin anew (overwrite=True, "
                "--force)."
            )
    for other in manifest.parts:
        if other.dataset != part.dataset:
            continue
        if (other.task, other.version) != (part.task, part.version):
            raise OptionError(
                f"the store holds {other.dataset} {other.version} with the task '{other.task}', "
                f"and {part.version} with the task '{part.task}' was asked for. Build another "
                "store, or begin anew (overwrite=True, --force)."
            )


def _fill(
    folder: Path,
    manifest: Manifest,
    part: StorePart,
    items: Sequence[Item],
    encode: Callable[..., Encoded],
    *,
    n_jobs: int,
    watch: Callable[[Sequence[Any]], Iterable[Any]],
) -> Built:
    """Add what is not there yet, shard by shard."""
    there = _names_there(folder, manifest, part.dataset)
    _check_sources(items, there, part.dataset)
    new = [item for item in items if item.name not in there]
    before, left_out = manifest.n_records, {}
    manifest = _with_part(manifest, part)
    rows: list[dict[str, Any]] = []
    work = functools.partial(encode, part=part)
    for item, encoded in over_all(work, watch(new), n_jobs=n_jobs, batch=4 if n_jobs > 1 else 1):
        reason = LOST if encoded is None else encoded.reason
        if reason:
            left_out[item.name] = reason
            continue
        rows += encoded.rows
        if len(rows) >= _MOST_RECORDS or sum(len(r["signal"]) for r in rows) >= _MOST_BYTES:
            manifest = _with_shard(folder, manifest, part, rows, left_out)
            rows = []
    manifest = _with_shard(folder, manifest, part, rows, left_out)
    return Built(
        store=str(folder),
        n_added=manifest.n_records - before,
        n_before=before,
        n_bytes=sum(shard.n_bytes for shard in manifest.shards),
        left_out=left_out,
        remarks=part.remarks,
    )


def _names_there(folder: Path, manifest: Manifest, dataset: str) -> dict[str, int]:
    """Return the records of a database that the store holds, with the sizes of their files."""
    there: dict[str, int] = {}
    for shard in manifest.shards:
        held = read_columns(folder / shard.file, ("dataset", "name", "source_bytes")).to_pydict()
        for its, name, size in zip(*held.values(), strict=True):
            if its == dataset:
                there[name] = size
    return there


def _check_sources(items: Sequence[Item], there: dict[str, int], dataset: str) -> None:
    """Refuse a record whose name another recording has taken."""
    for item in items:
        if item.name in there and item.path.stat().st_size != there[item.name]:
            raise OptionError(
                f"the store holds a record '{item.name}' of {dataset} already, made from another "
                f"file than '{item.path}' is now. Give the data set another name (name=, --as), or "
                "begin anew (overwrite=True, --force)."
            )


def _with_part(manifest: Manifest, part: StorePart) -> Manifest:
    """Add a database to the manifest, or what is new of it."""
    kept = []
    for other in manifest.parts:
        if other.dataset == part.dataset:
            classes = tuple(dict.fromkeys((*other.classes, *part.classes)))
            left_out = {**other.left_out, **part.left_out}
            part = dataclasses.replace(part, classes=classes, left_out=left_out)
        kept.append(part if other.dataset == part.dataset else other)
    if part.dataset not in [other.dataset for other in kept]:
        kept.append(part)
    return dataclasses.replace(manifest, parts=tuple(kept), written_by=__version__)


def _with_shard(
    folder: Path,
    manifest: Manifest,
    part: StorePart,
    rows: list[dict[str, Any]],
    left_out: dict[str, str],
) -> Manifest:
    """Write rows as the next shard and name it in the manifest."""
    shards = manifest.shards
    if rows:
        codec = manifest.settings.codec
        shards = (*shards, write_shard(folder, len(shards), rows, codec=codec))
        settle_folder(folder)
    manifest = _with_part(
        dataclasses.replace(manifest, shards=shards),
        dataclasses.replace(part, left_out=dict(left_out)),
    )
    write_manifest(folder, manifest)
    return manifest
