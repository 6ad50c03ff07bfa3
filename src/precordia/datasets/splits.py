# SPDX-License-Identifier: Apache-2.0
"""Divide a database into training, validation and test, never within a patient."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from precordia.core.errors import OptionError
from precordia.core.record import Remark
from precordia.datasets.dataset import Dataset
from precordia.datasets.found import counted

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Three parts of a database that share no patient.

    Attributes
    ----------
    train, validation, test
        The parts; a published split may have no validation.
    method
        ``"published"``, or ``"hash"`` of the patient with ``seed``.
    seed
        Seed of the hash.
    remarks
        What was left out, counted.
    """

    train: Dataset
    validation: Dataset
    test: Dataset
    method: str
    seed: int
    remarks: tuple[Remark, ...] = ()

    def parts(self) -> dict[str, Dataset]:
        """Return the parts by name."""
        return {part: getattr(self, part) for part in PARTS}

    def __repr__(self) -> str:
        sizes = ", ".join(f"{part} {len(held)}" for part, held in self.parts().items())
        return f"Split({sizes}; {self.method})"


def split_dataset(
    dataset: Dataset,
    *,
    method: Literal["published", "hash"] | None = None,
    fractions: Sequence[float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    shared_patients: Literal["drop", "keep"] = "drop",
) -> Split:
    r"""Divide a database by patient: as published where it says how, else by a seeded hash.

    Parameters
    ----------
    dataset
        The database.
    method
        ``"published"`` for the folds of the card, ``"hash"`` for a hash of the patient; published
        where the card has folds, by default.
    fractions
        Shares of patients in train, validation and test, for the hash.
    seed
        Seed of the hash.
    shared_patients
        A published split that parts the records of one patient is mended with ``"drop"``: the
        patient stays in the later part (test before validation before train). ``"keep"`` leaves
        the published split as it is, for comparison with others' figures.

    Returns
    -------
    The split; ``remarks`` counts what is in no part and why.

    Raises
    ------
    OptionError
        If fractions are not three shares of one, or there are no published folds.

    Notes
    -----
    The hash is BLAKE2b of seed and patient, so that a patient falls into the same part on every
    machine, in every subset of the database and after records are added. Shares are therefore
    those of a draw, not exact. Databases that hold recordings of the same people (``overlaps`` of
    the card) are divided alike by one seed, PTB-XL and the challenges if these were loaded with
    ``ptbxl_table``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from precordia.datasets.dataset import load_dataset
    >>> folder = Path(tempfile.mkdtemp())
    >>> rows = [f"{n}.csv,{n // 2},a" for n in range(100)]
    >>> _ = (folder / "labels.csv").write_text("path,patient_id,label\n" + "\n".join(rows))
    >>> split_dataset(load_dataset("folder", folder, check_files=False))
    Split(train 72, validation 18, test 10; hash)
    """
    folds = dataset.card.folds
    chosen = method or ("published" if folds and any(i.fold for i in dataset) else "hash")
    if chosen not in ("published", "hash"):
        raise OptionError(f"method is '{chosen}'; 'published' or 'hash' is needed.")
    if shared_patients not in ("drop", "keep"):
        raise OptionError(f"shared_patients is '{shared_patients}'; 'drop' or 'keep' is needed.")
    remarks: list[Remark] = []
    if chosen == "published":
        if not folds:
            raise OptionError(
                f"{dataset.card.name} has no published folds, which method='published' needs. "
                "Use method='hash'."
            )
        where = [_published_part(item.fold, folds) for item in dataset]
        if shared_patients == "drop":
            where = _one_part_a_patient(dataset, where, remarks)
    else:
        where = _hashed_parts(dataset, _checked(fractions), seed)
    outside = where.count("")
    if outside:
        remarks.append(
            Remark(
                code="outside-published-parts",
                text=f"{counted(outside, 'record')} in no part of the published split.",
            )
        )
    parts = {
        part: replace(
            dataset,
            items=tuple(item for item, at in zip(dataset.items, where, strict=True) if at == part),
        )
        for part in PARTS
    }
    return Split(**parts, method=chosen, seed=seed, remarks=tuple(remarks))


def _published_part(fold: str, folds: dict[str, tuple[str, ...]]) -> str:
    return next((part for part in PARTS if fold in folds.get(part, ())), "")


def _one_part_a_patient(dataset: Dataset, where: list[str], remarks: list[Remark]) -> list[str]:
    last: dict[str, str] = {}
    for item, part in zip(dataset, where, strict=True):
        if part and PARTS.index(part) >= PARTS.index(last.get(item.group, part)):
            last[item.group] = part
    mended = [
        part if part == last.get(item.group, "") else ("shared" if part else "")
        for item, part in zip(dataset, where, strict=True)
    ]
    dropped = mended.count("shared")
    if dropped:
        remarks.append(
            Remark(
                code="patient-in-two-parts",
                text=f"the published split has patients on both sides; {counted(dropped, 'record')}"
                " of them left out of the earlier part. shared_patients='keep' keeps the "
                "published split as it is.",
            )
        )
    return mended


def _checked(fractions: Sequence[float]) -> tuple[float, float, float]:
    shares = tuple(float(share) for share in fractions)
    if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise OptionError(
            f"fractions are {', '.join(f'{s:g}' for s in shares)}; three shares of train, "
            "validation and test that add up to 1 are needed, such as (0.8, 0.1, 0.1)."
        )
    return shares  # type: ignore[return-value]


def _hashed_parts(dataset: Dataset, shares: tuple[float, float, float], seed: int) -> list[str]:
    where = []
    for item in dataset:
        digest = hashlib.blake2b(f"{seed}:{item.group}".encode(), digest_size=8).digest()
        drawn = int.from_bytes(digest, "big") / 2**64
        part = 0 if drawn < shares[0] else 1 if drawn < shares[0] + shares[1] else 2
        where.append(PARTS[part])
    return where
