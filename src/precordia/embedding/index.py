# SPDX-License-Identifier: Apache-2.0
"""An index: a folder of vectors of one encoder, and what is known of each recording."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from precordia.core.embedding import Embedding
from precordia.core.errors import FormatError, MissingFileError, OptionError, OutputError
from precordia.core.output import whole_file, write_text_whole

INDEX, _VERSION = "index.json", 1
_COLUMNS = ("name", "labels", "report", "patient", "digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What is known of one recording of an index.

    Attributes
    ----------
    name
        What it is called.
    labels
        Its classes.
    report
        What was written of it; kept by an index of texts alone.
    patient
        Key of the patient; an index keeps a keyed hash of it. Empty where unknown.
    digest
        The same for recordings of equal samples; see `precordia.embedding.vector_cache.digest_of`.
    """

    name: str
    labels: tuple[str, ...] = ()
    report: str = field(default="", repr=False)
    patient: str = field(default="", repr=False)
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """Whose vectors an index holds.

    Attributes
    ----------
    name
        The encoder; the whole path where it is a folder of weights.
    version
        First digits of the checksum of its weights.
    spec
        How a record becomes its windows.
    dim
        Length of a vector.
    """

    name: str
    version: str
    spec: str
    dim: int

    @classmethod
    def of(cls, embedding: Embedding) -> Encoder:
        """Return the encoder that made an embedding."""
        spec = str(embedding.source.parameters.get("spec", ""))
        return cls(
            name=_one_name(embedding.model),
            version=embedding.source.version,
            spec=spec,
            dim=embedding.dim,
        )

    def __str__(self) -> str:
        told = f"weights {self.version or 'unknown'}, input {self.spec or 'unknown'}"
        return f"{self.name} ({told}, {self.dim} numbers)"


def _one_name(model: str) -> str:
    """Return one name for a folder that can be named from here and from elsewhere."""
    return str(Path(model).resolve()) if Path(model).is_dir() else model


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index that was opened. Vectors stay on the disk until they are compared.

    Attributes
    ----------
    folder
        Where it is.
    encoder
        Whose vectors these are.
    model
        What that encoder was loaded by: its name, or the path of its files.
    texts
        Whether it keeps reports.
    entries
        What is known of each recording; ``patient`` is a hash here.
    vectors
        Arrays (record, dim) that follow one another.
    """

    folder: Path
    encoder: Encoder
    model: str
    texts: bool
    entries: tuple[Indexed, ...]
    vectors: tuple[np.ndarray, ...]
    _about: dict[str, Any]

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return f"Index({len(self)} recordings of {self.encoder.name})"

    def hash_of(self, patient: str | None) -> str:
        """Return what this index keeps in place of a patient's key; empty for nobody."""
        return _hash(patient, self._about["salt"])

    def groups(self, column: str, own: str) -> tuple[Int[np.ndarray, " record"], int]:
        """Return a number for each recording, equal where a column is; and that of a value.

        Recordings of which nothing is known get -1, as does an empty value.
        """
        held = [getattr(entry, column) for entry in self.entries]
        numbers = {value: k for k, value in enumerate(dict.fromkeys([own, *held])) if value}
        rows = np.array([numbers.get(value, -1) for value in held], np.int64)
        return rows, numbers.get(own, -1)

    def check(self, encoder: Encoder) -> None:
        """Refuse vectors of another encoder.

        Raises
        ------
        OptionError
            If the encoder, its weights, or what it is fed with differ.
        """
        if encoder != self.encoder:
            raise OptionError(
                f"a vector of {encoder} arrived; '{self.folder}' holds those of {self.encoder}. "
                "Vectors of different encoders cannot be compared: embed with the same one, or "
                "build another index."
            )


def open_index(folder: str | Path) -> Index:
    """Open an index.

    Parameters
    ----------
    folder
        That `append_to_index` wrote.

    Returns
    -------
    The index; what is appended later is seen by whoever opens it afterwards.

    Raises
    ------
    MissingFileError
        If there is none.
    FormatError
        If it is damaged, or of a newer version.

    Examples
    --------
    >>> import tempfile
    >>> import precordia as pc
    >>> from precordia.embedding.fill_index import index_files
    >>> folder = Path(tempfile.mkdtemp(), "alike")
    >>> _ = index_files([Path(pc.toy_record())], folder)
    >>> len(open_index(folder))
    1
    """
    folder = Path(folder)
    place = folder / INDEX
    if not place.is_file():
        raise MissingFileError(
            f"'{folder}' holds no index. Make one: precordia index RECORDINGS --to '{folder}'."
        )
    about = _json(place)
    if not isinstance(about, dict) or about.get("version") != _VERSION:
        told = about.get("version") if isinstance(about, dict) else None
        raise FormatError(f"'{place}' is of version {told}; {_VERSION} is read here.")
    try:
        encoder = Encoder(**about["encoder"])
        texts, model = bool(about["texts"]), str(about["model"])
        parts = [(p["file"], int(p["n"])) for p in about["parts"]]
        bytes.fromhex(about["salt"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"'{place}' is damaged ({error}). Build the index again.") from error
    entries: list[Indexed] = []
    vectors: list[np.ndarray] = []
    for file, n in parts:
        held, rows = _read_part(folder / file, n, encoder.dim)
        vectors.append(held)
        entries += rows
    return Index(
        folder=folder,
        encoder=encoder,
        model=model,
        texts=texts,
        entries=tuple(entries),
        vectors=tuple(vectors),
        _about=about,
    )


def append_to_index(
    folder: str | Path,
    rows: Sequence[tuple[Indexed, Embedding]],
    *,
    model: str = "",
    texts: bool = False,
) -> Index:
    """Add recordings to an index, which is made where there is none.

    Parameters
    ----------
    folder
        The index.
    rows
        Recordings and their vectors, all of one encoder. Those that are there already, by their
        digest and name, are passed over.
    model
        What the encoder is loaded by, for whoever embeds a recording to look for; by default its
        name.
    texts
        Keep the reports. They may hold names and dates: whoever can read the folder can read them.

    Returns
    -------
    The index with them.

    Raises
    ------
    OptionError
        If the vectors are of another encoder than those of the index, or ``texts`` is not what the
        index was made with.
    OutputError
        If the folder holds something else, cannot be written, or was changed meanwhile.

    Notes
    -----
    Vectors and their table are written as new files; ``index.json``, which names them, is replaced
    last. A run that is cut short leaves the index as it was, and a file that nobody reads.

    Keys of patients are kept as keyed hashes (BLAKE2b, a random key for each index). The key lies
    in the folder, so that somebody who holds both it and a list of patients could try them all.
    """
    folder = Path(folder)
    if (folder / INDEX).is_file():
        index = open_index(folder)
        if texts != index.texts:
            had = "with" if index.texts else "without"
            raise OptionError(
                f"'{folder}' was made {had} texts. Append {had} them, or build another index."
            )
        about = index._about
        known = {(entry.name, entry.digest) for entry in index.entries}
    else:
        if folder.is_dir() and any(p for p in folder.iterdir() if not _is_part(p)):
            raise OutputError(
                f"'{folder}' holds files and no index. Name an empty or a new folder."
            )
        index, known = None, set()
        about = {"version": _VERSION, "texts": texts, "salt": secrets.token_hex(16), "parts": []}
        about["model"] = model or (rows[0][1].model if rows else "")
    for _, embedding in rows:
        if index is not None:
            index.check(Encoder.of(embedding))
        elif Encoder.of(embedding) != Encoder.of(rows[0][1]):
            raise OptionError("vectors of different encoders arrived; an index holds those of one.")
    fresh = {(r.name, r.digest): (r, e) for r, e in rows if (r.name, r.digest) not in known}
    if not fresh:
        return open_index(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"'{folder}' could not be made ({error.strerror}).") from error
    file = _write_part(folder, list(fresh.values()), about["salt"], texts=texts)
    parts = [*about["parts"], {"file": file, "n": len(fresh)}]
    encoder = asdict(Encoder.of(rows[0][1]))
    _replace(folder, about, {**about, "encoder": encoder, "parts": parts})
    return open_index(folder)


def _replace(folder: Path, before: dict[str, Any], after: dict[str, Any]) -> None:
    place = folder / INDEX
    now = _json(place) if place.is_file() else {"parts": []}
    if now["parts"] != before["parts"]:
        raise OutputError(f"'{folder}' was changed by somebody else meanwhile. Append again.")
    write_text_whole(json.dumps(after, indent=1), place, overwrite=bool(before["parts"]))


def _write_part(
    folder: Path, rows: Iterable[tuple[Indexed, Embedding]], salt: str, *, texts: bool
) -> str:
    rows = list(rows)
    stem = f"part-{secrets.token_hex(6)}"
    kept = [
        (r.name, list(r.labels), r.report if texts else "", _hash(r.patient, salt), r.digest)
        for r, _ in rows
    ]
    table = {
        name: list(column) for name, column in zip(_COLUMNS, zip(*kept, strict=True), strict=True)
    }
    with whole_file(folder / f"{stem}.npy") as part:
        np.save(part, np.array([e.vector for _, e in rows], np.float32), allow_pickle=False)
    write_text_whole(json.dumps(table, ensure_ascii=False), folder / f"{stem}.json")
    return stem


def _is_part(path: Path) -> bool:
    """Tell whether a file was left by a run that was cut short before it made the index."""
    return path.name.startswith(("part-", ".part-", ".index-"))


def _read_part(place: Path, n: int, dim: int) -> tuple[np.ndarray, list[Indexed]]:
    """Return the vectors of a part, memory-mapped, and its entries."""
    try:
        vectors = np.load(place.with_suffix(".npy"), mmap_mode="r", allow_pickle=False)
        table = _json(place.with_suffix(".json"))
        columns = [table[name] for name in _COLUMNS]
        entries = [
            Indexed(name=name, labels=tuple(labels), report=report, patient=patient, digest=digest)
            for name, labels, report, patient, digest in zip(*columns, strict=True)
        ]
        if vectors.shape != (n, dim) or vectors.dtype != np.float32 or len(entries) != n:
            raise ValueError(f"{vectors.shape} {vectors.dtype} and {len(entries)} entries")
    except (OSError, EOFError, ValueError, TypeError, KeyError) as error:
        raise FormatError(
            f"'{place}' (.npy, .json) is damaged or missing ({error}). Restore it from a copy, or "
            "build the index again."
        ) from error
    return vectors, entries


def _json(place: Path) -> Any:
    try:
        return json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(f"'{place}' is damaged ({error}). Build the index again.") from error


def _hash(patient: str | None, salt: str) -> str:
    if not patient:
        return ""
    return hashlib.blake2b(patient.encode(), key=bytes.fromhex(salt), digest_size=12).hexdigest()
