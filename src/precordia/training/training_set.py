# SPDX-License-Identifier: Apache-2.0
"""Windows with their targets, ready for a model: checked once, gathered by the batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int, Real, Shaped

from precordia.core.errors import OptionError, SignalError
from precordia.core.record import Remark

Task = Literal["multilabel", "multiclass", "regression", "sample-classes"]
TASKS = ("multilabel", "multiclass", "regression", "sample-classes")
#: windows looked through for NaN at a time: memory stays small when they lie on disk
_LOOKED_AT = 256
#: what begins the name of a record or patient that was given none
_UNNAMED = "unnamed:"
#: windows that stand for all when a training is resumed
_LOOKED_AT_TWICE = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingSet:
    """Windows, their targets, and whose they are.

    Attributes
    ----------
    windows
        ``(record, lead, sample)``: float32, or int16 with `scale`; an array in memory or on disk,
        or anything that gives such windows for an array of indices (``windows[indices]``, or
        ``windows(indices)`` with `n`).
    labels
        ``(record, class)`` of 0 and 1 for ``"multilabel"``; ``(record,)`` of class numbers for
        ``"multiclass"``; ``(record, output)`` for ``"regression"``; ``(record, sample)`` of class
        numbers or ``(record, class, sample)`` of 0 and 1 for ``"sample-classes"``. NaN is unknown,
        and asks nothing of the model.
    task
        What the labels are.
    classes
        Names of the classes or outputs.
    patients
        Patient of each window; each window its own where it is left out.
    folds
        Published fold of each window.
    names
        Record that each window is of; predictions are averaged over the windows of a record.
    weights
        How much each window counts in the loss.
    present
        ``(record, lead)``: leads that were recorded; the others are zero in `windows`.
    scale
        What one step of int16 windows is.
    n
        Number of windows where `windows` is a function.
    remarks
        What was noticed.

    Raises
    ------
    SignalError, OptionError
        If lengths disagree, a window has NaN, a class is unknown in every record, or labels do
        not fit the task.

    Examples
    --------
    >>> held = TrainingSet(windows=np.zeros((2, 1, 50), np.float32), labels=[[0, 1], [1, np.nan]])
    >>> held
    TrainingSet(2 windows of 1 lead and 50 samples, multilabel: 2 classes, 2 patients)
    """

    windows: Any
    labels: Shaped[np.ndarray, ...] | Sequence[Any]
    task: Task = "multilabel"
    classes: tuple[str, ...] = ()
    patients: Sequence[str] | None = None
    folds: Sequence[Any] | None = None
    names: Sequence[str] | None = None
    weights: Real[np.ndarray, " _"] | None = None
    present: Bool[np.ndarray, "batch lead"] | None = None
    scale: float = 1.0
    n: int = 0
    remarks: tuple[Remark, ...] = ()

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise OptionError(f"task is {self.task!r}; one of {', '.join(TASKS)} is needed.")
        n = self.n or len(self.windows)
        object.__setattr__(self, "n", n)
        object.__setattr__(self, "labels", _checked_labels(self.labels, self.task, n))
        whole = [f"{_UNNAMED}{k}" for k in range(n)]
        for name in ("patients", "folds", "names"):
            given = getattr(self, name)
            held = tuple(map(str, given)) if given is not None else tuple(whole)
            if name == "folds" and given is None:
                held = ("",) * n
            _check_length(name, len(held), n)
            object.__setattr__(self, name, held)
        _check_patients_of_records(self.names, self.patients)
        for name, kind in (("weights", np.float32), ("present", np.bool_)):
            given = getattr(self, name)
            if given is not None:
                array = np.asarray(given, kind)
                _check_length(name, len(array), n)
                object.__setattr__(self, name, array)
        if self.weights is not None and not (np.isfinite(self.weights) & (self.weights >= 0)).all():
            raise OptionError("weights have NaN or negative numbers; 0 or more is needed.")
        object.__setattr__(self, "classes", _checked_classes(self))
        if n:
            _check_windows(self)
        if not isinstance(self.windows, _Rows):  # a few rows may well know nothing of a class
            _refuse_unknown(self)
        if not self.remarks:
            object.__setattr__(self, "remarks", _noticed(self))

    def __len__(self) -> int:
        return self.n

    @property
    def shape(self) -> tuple[int, int]:
        """Leads and samples of a window."""
        one = self.gather(np.zeros(1, np.int64))
        return one.shape[1], one.shape[2]

    @property
    def numbered(self) -> bool:
        """Whether labels are numbers of classes that exclude each other."""
        return self.task == "multiclass" or (
            self.task == "sample-classes" and np.ndim(self.labels) == 2
        )

    @property
    def n_outputs(self) -> int:
        """Numbers that a model must give for each window, or each sample of it."""
        return len(self.classes)

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of labels, names, order and a few windows."""
        digest = hashlib.sha256(repr((self.task, self.classes, self.n, self.names)).encode())
        for array in (self.labels, self.weights, self.present):
            digest.update(b"-" if array is None else np.ascontiguousarray(array).data)
        if self.n:
            few = np.unique(np.linspace(0, self.n - 1, _LOOKED_AT_TWICE).astype(np.int64))
            digest.update(self.gather(few).data)
        return digest.hexdigest()[:16]

    def gather(self, rows: Int[np.ndarray, " batch"]) -> Float[np.ndarray, "batch ..."]:
        """Return windows as float32, all in one look-up."""
        found = self.windows(rows) if callable(self.windows) else self.windows[rows]
        found = np.asarray(found)
        if found.dtype == np.float32 and self.scale == 1:
            return np.ascontiguousarray(found)
        return np.multiply(found, np.float32(self.scale), dtype=np.float32)

    def part(self, keep: Bool[np.ndarray, " batch"] | Int[np.ndarray, " row"]) -> TrainingSet:
        """Return some of the windows; nothing is copied but labels.

        Examples
        --------
        >>> held = TrainingSet(windows=np.zeros((3, 1, 5), np.float32), labels=np.eye(3))
        >>> held.part(np.array([2])).labels
        array([[0., 0., 1.]], dtype=float32)
        """
        rows = np.asarray(keep)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        source: Callable | Any = self.windows
        if isinstance(source, _Rows):
            windows = _Rows(source.windows, source.rows[rows])
        else:
            windows = _Rows(source, rows)
        return replace(
            self,
            windows=windows,
            labels=self.labels[rows],
            n=len(rows),
            remarks=(),
            **{
                name: [getattr(self, name)[k] for k in rows]
                for name in ("patients", "folds", "names")
            },
            **{
                name: None if getattr(self, name) is None else getattr(self, name)[rows]
                for name in ("weights", "present")
            },
        )

    def in_folds(self, *folds: str | int) -> TrainingSet:
        """Return the windows of some folds.

        Raises
        ------
        OptionError
            If a fold has no window, or a class is unknown in every record of these.
        """
        wanted = {str(fold) for fold in folds}
        if missing := sorted(wanted - set(self.folds)):
            raise OptionError(
                f"no window is in fold {', '.join(missing)}; there are "
                f"{', '.join(sorted(set(self.folds)))}."
            )
        part = self.part(np.array([fold in wanted for fold in self.folds], bool))
        _refuse_unknown(part)
        return part

    def __repr__(self) -> str:
        n_leads, n_samples = self.shape if self.n else (0, 0)
        leads = "lead" if n_leads == 1 else "leads"
        return (
            f"TrainingSet({self.n} windows of {n_leads} {leads} and {n_samples} samples, "
            f"{self.task}: {len(self.classes)} classes, {len(set(self.patients))} patients)"
        )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Some rows of windows that stay where they are."""

    windows: Any
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: Any) -> Any:
        rows = self.rows[which]
        return self.windows(rows) if callable(self.windows) else self.windows[rows]


def refuse_shared_patients(train: TrainingSet, valid: TrainingSet) -> None:
    """Refuse two parts that share a patient or a record.

    Raises
    ------
    OptionError
        If they do; the score of the second would be a memory test.
    """
    for name, word in (("names", "record"), ("patients", "patient")):
        if _unnamed(getattr(train, name)) or _unnamed(getattr(valid, name)):
            continue
        if shared := sorted(set(getattr(train, name)) & set(getattr(valid, name))):
            raise OptionError(
                f"{word} '{shared[0]}'{f' and {len(shared) - 1} more' * (len(shared) > 1)} in both "
                "training and validation; the score would be too good. Split by patient: "
                "split_dataset, or folds."
            )


def _unnamed(names: Sequence[str]) -> bool:
    return all(name.startswith(_UNNAMED) for name in names)


def _check_length(name: str, length: int, n: int) -> None:
    if length != n:
        raise SignalError(f"{name} has {length} entries for {n} windows; one for each is needed.")


def _checked_labels(labels: Any, task: str, n: int) -> np.ndarray:
    array = np.asarray(labels)
    if array.dtype.kind not in "fiub":
        raise SignalError(f"labels are of type '{array.dtype}'; numbers are needed.")
    array = array.astype(np.float32)
    _check_length("labels", len(array), n)
    axes = {"multilabel": (2,), "multiclass": (1,), "regression": (2,), "sample-classes": (2, 3)}
    if array.ndim not in axes[task]:
        raise SignalError(
            f"labels of {task} have shape {array.shape}; "
            f"{' or '.join(f'{k} axes are' for k in axes[task])} needed."
        )
    if np.isinf(array).any():
        raise SignalError("labels have infinite numbers; finite ones, or NaN for unknown, are.")
    known = array[~np.isnan(array)]
    numbered = task == "multiclass" or (task == "sample-classes" and array.ndim == 2)
    if numbered and ((known < 0) | (known != np.round(known))).any():
        raise SignalError(f"labels of {task} are class numbers: 0, 1, 2, ..., or NaN for unknown.")
    if task != "regression" and not numbered and ((known < 0) | (known > 1)).any():
        raise SignalError(f"labels of {task} are between 0 and 1, or NaN for unknown.")
    return array


def _checked_classes(held: TrainingSet) -> tuple[str, ...]:
    labels = held.labels
    if held.numbered:
        found = labels[~np.isnan(labels)]
        n = int(found.max()) + 1 if found.size else 0
        if held.classes and len(held.classes) < n:
            raise OptionError(f"{len(held.classes)} classes are named and labels go to {n - 1}.")
        return tuple(held.classes) or tuple(map(str, range(n)))
    n = labels.shape[1]
    if held.classes and len(held.classes) != n:
        raise OptionError(
            f"{len(held.classes)} classes are named and labels have {n} columns; they must agree."
        )
    if len(set(held.classes)) != len(held.classes):
        raise OptionError("a class is named twice; each name may stand once.")
    return tuple(held.classes) or tuple(map(str, range(n)))


def _check_patients_of_records(names: Sequence[str], patients: Sequence[str]) -> None:
    whose: dict[str, str] = {}
    for name, patient in zip(names, patients, strict=True):
        if whose.setdefault(name, patient) != patient:
            raise OptionError(
                f"record '{name}' is of patient '{whose[name]}' and of '{patient}'; a name may "
                "stand for one record only."
            )


def _check_windows(held: TrainingSet) -> None:
    shape = held.gather(np.zeros(1, np.int64)).shape
    if len(shape) != 3:
        raise SignalError(
            f"windows have shape {(held.n, *shape[1:])}; (record, lead, sample) is needed."
        )
    if held.present is not None and held.present.shape != (held.n, shape[1]):
        raise SignalError(
            f"present has shape {held.present.shape}; {(held.n, shape[1])} is needed."
        )
    if held.task == "sample-classes" and held.labels.shape[-1] != shape[2]:
        raise SignalError(
            f"labels have {held.labels.shape[-1]} samples and windows {shape[2]}; as many are "
            "needed."
        )
    source = held.windows.windows if isinstance(held.windows, _Rows) else held.windows
    if (
        callable(source)
        or isinstance(held.windows, _Rows)
        or np.asarray(source[:0]).dtype.kind != "f"
    ):
        return  # whole numbers have no NaN; rows of windows were looked through as a whole
    for first in range(0, held.n, _LOOKED_AT):
        piece = np.asarray(source[first : first + _LOOKED_AT])
        if not np.isfinite(piece).all():
            row = first + int(np.flatnonzero(~np.isfinite(piece).all(axis=(1, 2)))[0])
            raise SignalError(
                f"window {row} ('{held.names[row]}') has NaN; finite windows are needed. "
                "Prepare recordings with a 'fill-gaps' step, or leave this one out."
            )


def _refuse_unknown(held: TrainingSet) -> None:
    labels = held.labels
    if held.task not in ("multilabel", "regression") or not held.n:
        return
    unknown = [c for c, k in zip(held.classes, np.isnan(labels).all(axis=0), strict=True) if k]
    if unknown:
        raise OptionError(
            f"{', '.join(unknown)} is unknown in every one of {held.n} records; leave the class "
            "out, or give labels."
        )


def _noticed(held: TrainingSet) -> tuple[Remark, ...]:
    labels = held.labels
    if held.task != "multilabel" or not held.n:
        return ()
    none = [c for c, k in zip(held.classes, np.nansum(labels, axis=0), strict=True) if not k]
    if not none:
        return ()
    text = f"no record has {', '.join(none)}; the model cannot learn what it never sees."
    return (Remark(code="class-without-records", text=text),)
