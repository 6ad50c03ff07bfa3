# SPDX-License-Identifier: Apache-2.0
"""Who trains, who chooses, who is tested: three parts that share no patient."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from precordia.benchmarking.cohort import Cohort
from precordia.core.errors import OptionError
from precordia.core.record import Remark
from precordia.datasets.found import counted, such_as

PARTS = ("train", "validation", "test")
_WORDS = {"train": "train", "valid": "validation", "validation": "validation", "test": "test"}
#: in place of folds: take validation from the training patients
CARVE = "carve"
#: share of training patients that are carved out
CARVED = 0.125


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Partition:
    """Rows of a cohort in each part.

    Attributes
    ----------
    train, validation, test
        Row numbers.
    method
        How they were chosen, in words.
    remarks
        What is in no part, counted.
    """

    train: Int[np.ndarray, " _"]
    validation: Int[np.ndarray, " _"]
    test: Int[np.ndarray, " _"]
    method: str
    remarks: tuple[Remark, ...] = ()

    def fingerprint(self, cohort: Cohort) -> str:
        """Return twelve digits that change with the records of any part."""
        digest = hashlib.sha256()
        for part in PARTS:
            names = "\x1f".join(sorted(cohort.names[k] for k in getattr(self, part)))
            digest.update(names.encode() + b"\x1e")
        return digest.hexdigest()[:12]


def read_folds(text: str) -> dict[str, frozenset[str]]:
    """Read which folds are which part.

    Parameters
    ----------
    text
        Such as ``"train=1-7,valid=8,test=9"``; several folds of a part as ``1-3+5``; ``carve``
        instead of folds of validation takes an eighth of the training patients.

    Raises
    ------
    OptionError
        If a part is missing, unknown or comes twice, or a fold is in two parts.

    Examples
    --------
    >>> found = read_folds("train=1-3+5,valid=carve,test=9")
    >>> sorted(found["train"]), sorted(found["validation"])
    (['1', '2', '3', '5'], ['carve'])
    """
    found: dict[str, frozenset[str]] = {}
    for piece in str(text).split(","):
        word, equals, folds = piece.strip().partition("=")
        part = _WORDS.get(word.strip())
        if not equals or part is None or not folds.strip():
            raise OptionError(
                f"folds are '{text}'; train=..., valid=... and test=... are needed, such as "
                "train=1-7,valid=8,test=9."
            )
        if part in found:
            raise OptionError(f"folds name {part} twice; once is needed. Join folds by +.")
        found[part] = frozenset(_spread(folds))
    if missing := [part for part in PARTS if part not in found]:
        raise OptionError(
            f"folds '{text}' say nothing of {missing[0]}; train, valid and test are needed. "
            "valid=carve takes validation from the training patients."
        )
    for a, b in (("train", "test"), ("train", "validation"), ("validation", "test")):
        if both := sorted(found[a] & found[b]):
            raise OptionError(f"fold {both[0]} is in {a} and in {b}; it can be in one part only.")
    if CARVE in found["train"] | found["test"]:
        raise OptionError("only validation can be carved out; name folds for train and test.")
    return found


def _spread(folds: str) -> list[str]:
    found = []
    for piece in folds.split("+"):
        first, dash, last = piece.strip().partition("-")
        if dash and first.isdecimal() and last.isdecimal():
            if int(last) < int(first):
                raise OptionError(f"folds {piece} run backwards; write {last}-{first}.")
            found += [str(k) for k in range(int(first), int(last) + 1)]
        else:
            found.append(piece.strip())
    return found


def divide(
    cohort: Cohort, folds: str | None = None, *, by_hash: bool = False, seed: int = 0
) -> Partition:
    """Divide records into train, validation and test.

    Parameters
    ----------
    cohort
        The records.
    folds
        As for `read_folds`. By default the folds that the database publishes; where it has none, a
        hash of the patient, the same that `split_dataset` uses: 80, 10 and 10 % of patients.
    by_hash
        Use the hash although the database publishes folds.
    seed
        Of the hash, and of what is carved out.

    Returns
    -------
    The parts. A patient with records in two parts stays in the later one (test before validation
    before train); what that leaves out is counted in the remarks.

    Raises
    ------
    OptionError
        If a part has no record here.
    """
    if folds is None and cohort.published and any(cohort.folds) and not by_hash:
        wanted = {part: frozenset(cohort.published.get(part, ())) for part in PARTS}
        if not wanted["validation"]:
            wanted["validation"] = frozenset({CARVE})
        method = "published folds"
    elif folds is None:
        where = np.array([_hashed(p, seed) for p in cohort.patients], object)
        return _partition(cohort, where, f"hash of patients, seed {seed}", ())
    else:
        wanted, method = read_folds(folds), f"folds {folds}"
        there = set(cohort.folds) - {""}
        if not there:
            raise OptionError(
                f"{cohort.database} has no folds, which '{folds}' names. Leave folds out: patients "
                "are then divided by a hash."
            )
    where = np.array(
        [next((part for part in PARTS if fold in wanted[part]), "") for fold in cohort.folds],
        object,
    )
    where, shared = _one_part_a_patient(cohort, where)
    outside = int((where == "").sum())
    remarks = [shared] if shared else []
    if outside:
        text = f"{counted(outside, 'record')} in no part of the division ({method})."
        remarks.append(Remark(code="outside-parts", text=text))
    if CARVE in wanted["validation"]:
        for k in np.flatnonzero(where == "train"):
            if _drawn(f"carve-{seed}", cohort.patients[k]) < CARVED:
                where[k] = "validation"
        method += f", validation carved from training patients with seed {seed}"
    return _partition(cohort, where, method, tuple(remarks))


def divide_records(cohort: Cohort, *, seed: int = 42) -> Partition:
    """Divide records as many papers do: by record, a patient may be on both sides.

    Notes
    -----
    *Method*: scikit-learn's ``train_test_split`` twice, a fifth for the test and a tenth of the
    rest for validation, for comparison with figures that were made so. Records are in the order of
    the cohort. A score on this division may be too good.
    """
    n = len(cohort)
    rest, test = _shuffled(np.arange(n), 0.2, seed)
    train, validation = _shuffled(rest, 0.1, seed)
    remark = Remark(
        code="divided-by-record",
        text="divided by record as published: a patient may be in train and in test",
    )
    return Partition(
        train=np.sort(train),
        validation=np.sort(validation),
        test=np.sort(test),
        method=f"records, seed {seed}, as published",
        remarks=(remark,),
    )


def _shuffled(rows: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    n_apart = math.ceil(share * rows.size)
    if not 0 < n_apart < rows.size:
        raise OptionError(
            f"{rows.size} records arrived; more are needed for train, validation and test."
        )
    order = np.random.RandomState(seed).permutation(rows.size)
    return rows[order[n_apart:]], rows[order[:n_apart]]


def cross_divide(cohort: Cohort, n_folds: int, *, seed: int = 0) -> list[Partition]:
    """Divide records so that each patient is tested once: validation is the next fold.

    Raises
    ------
    OptionError
        If there are fewer than three folds, or patients for so many.
    """
    if n_folds < 3:
        raise OptionError(
            f"cross-validation with {n_folds} folds arrived; at least 3 are needed: train, "
            "validation and test."
        )
    order = sorted(set(cohort.patients), key=lambda p: _drawn(f"cross-{seed}", p))
    fold = {patient: k % n_folds for k, patient in enumerate(order)}
    of_record = np.array([fold[p] for p in cohort.patients], int)
    found = []
    for test in range(n_folds):
        where = np.full(len(cohort), "train", object)
        where[of_record == test] = "test"
        where[of_record == (test + 1) % n_folds] = "validation"
        method = f"cross-validation by patients, fold {test + 1} of {n_folds}, seed {seed}"
        found.append(_partition(cohort, where, method, ()))
    return found


def _drawn(seed: int | str, patient: str) -> float:
    digest = hashlib.blake2b(f"{seed}:{patient}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _hashed(patient: str, seed: int) -> str:
    drawn = _drawn(seed, patient)
    return PARTS[0 if drawn < 0.8 else 1 if drawn < 0.9 else 2]


def _one_part_a_patient(cohort: Cohort, where: np.ndarray) -> tuple[np.ndarray, Remark | None]:
    last: dict[str, int] = {}
    for patient, part in zip(cohort.patients, where, strict=True):
        if part:
            last[patient] = max(last.get(patient, 0), PARTS.index(part))
    kept = np.array(
        [
            part if part and PARTS.index(part) == last[patient] else ""
            for patient, part in zip(cohort.patients, where, strict=True)
        ],
        object,
    )
    moved = np.flatnonzero((where != "") & (kept == ""))
    if not moved.size:
        return where, None
    names = such_as(sorted({cohort.patients[k] for k in moved}))
    return kept, Remark(
        code="patient-in-two-parts",
        text=f"the folds have patients in two parts ({names}); {counted(len(moved), 'record')} "
        "of the earlier part left out.",
    )


def _partition(
    cohort: Cohort, where: np.ndarray, method: str, remarks: tuple[Remark, ...]
) -> Partition:
    rows = {part: np.flatnonzero(where == part) for part in PARTS}
    for part in PARTS:
        if not rows[part].size:
            there = sorted(set(cohort.folds) - {""}, key=lambda f: (len(f), f))
            held = f" Here are folds {', '.join(there)}." if there else ""
            raise OptionError(
                f"no record of {cohort.database} is in {part} by {method}; at least one is needed."
                f"{held} Name folds, such as folds='train=1-7,valid=8,test=9'."
            )
    return Partition(**rows, method=method, remarks=remarks)
