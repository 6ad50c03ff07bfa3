# SPDX-License-Identifier: Apache-2.0
"""Every recording that the classifiers in the box may learn from, prepared once and kept.

Labelled: PTB-XL (official files, the normalised sample, and PTB-XL records inside the challenge).
Unlabelled here: the other databases, whose signals teach a student what its teachers say of them.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from precordia.core.errors import PrecordiaError
from precordia.core.input_spec import InputSpec
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.embedding.prepare import prepare
from precordia.io.read import read

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
HERE = Path(__file__).parent


def input_spec(name: str = "input") -> InputSpec:
    """Return what the models take: the table of ``input.toml``."""
    return InputSpec.from_toml((HERE / f"{name}.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """Windows and what is known of each; labels are NaN where nothing is known."""

    windows: np.ndarray  # record, lead, sample: float32
    names: np.ndarray
    patients: np.ndarray
    folds: np.ndarray  # 0 where the database has none
    labels: np.ndarray  # record, statement: superclasses first
    classes: tuple[str, ...]
    normalised: np.ndarray  # whether the signal had lost its millivolts before

    def part(self, keep: np.ndarray) -> Recordings:
        """Return the records of a mask or of row numbers."""
        rows = {
            key: getattr(self, key)[keep]
            for key in ("windows", "names", "patients", "folds", "labels", "normalised")
        }
        return Recordings(classes=self.classes, **rows)


def load_recordings(data: Path, kept: Path, *, spec: InputSpec | None = None) -> Recordings:
    """Prepare all recordings, or take what an earlier call kept.

    Parameters
    ----------
    data
        Folder of the databases.
    kept
        File (``.npz``) in which the windows are kept for the next time.
    spec
        How a record becomes a window.
    """
    spec = spec or input_spec()
    if not kept.is_file():
        _prepare_all(data, kept, spec)
    with np.load(kept) as held:
        if str(held["spec"]) != spec.fingerprint:
            raise SystemExit(f"{kept} was made with another [input]; delete it and start again.")
        table = {key: held[key] for key in held.files if key not in ("spec", "classes")}
        table["windows"] = table["windows"].astype(np.float32) / 1000
        return Recordings(classes=tuple(held["classes"].tolist()), **table)


def _prepare_all(data: Path, kept: Path, spec: InputSpec) -> None:
    known, classes = _label_table(data / "ptbxl_norm")
    rows, seen = [], set()
    for name, ecg_id, record in every_record(data):
        about = known.get(ecg_id) if ecg_id else None
        if name in seen or (ecg_id and (about is None or about[1] == 10 or ecg_id in seen)):
            continue
        seen.add(ecg_id or name)
        try:
            window = prepare(record, spec, trust_scale=True).windows[0]
        except PrecordiaError as error:
            print(f"left out {name}: {error}")
            continue
        if (window.std(axis=1) < 1e-3).any() or np.abs(window).max() > 32:
            print(f"left out {name}: a flat lead or an extreme value")
            continue
        patient, fold, labels = about or (name, 0, np.full(len(classes), np.nan))
        normalised = name.startswith("norm-")
        rows.append(
            (np.round(window * 1000).astype(np.int16), name, patient, fold, labels, normalised)
        )
    keys = ("windows", "names", "patients", "folds", "labels", "normalised")
    table = {
        key: np.array(column) for key, column in zip(keys, zip(*rows, strict=True), strict=True)
    }
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez(kept, classes=np.array(classes), spec=spec.fingerprint, **table)


def every_record(data: Path):
    """Yield name, PTB-XL number (0 for others) and record; PTB-XL's official files first."""
    for path in sorted((data / "ptbxl" / "records100").rglob("*.hea")):
        yield f"ptbxl-{path.stem}", int(path.stem[:5]), read(path)
    with np.load(data / "ptbxl_norm" / "ptbxl_norm_100hz_int16.npz") as held:
        for ecg_id, signal in zip(held["ecg_id"].tolist(), held["x"], strict=True):
            wave = np.ascontiguousarray(signal.T, np.float32) / 1000
            yield f"norm-{ecg_id:05d}", ecg_id, Record(signal=wave, fs=100.0, leads=STANDARD_12)
    others = [*sorted((data / "cinc2021").rglob("*.hea")), *sorted((data / "ludb").rglob("*.hea"))]
    others += [
        *sorted((data / "code15").rglob("*.hea")),
        *sorted((data / "cinc2011").glob("*.hea")),
    ]
    for path in others:
        try:
            record = read(path)
        except PrecordiaError as error:
            print(f"cannot read {path.name}: {error}")
            continue
        ecg_id = int(path.stem[2:]) if path.stem.startswith("HR") else 0
        yield f"{path.parts[len(data.parts)]}-{path.stem}", ecg_id, record


def _label_table(folder: Path):
    """Return patient, fold and labels of every PTB-XL number, and the classes."""
    superclass_of = _superclass_of()
    people = {}
    with gzip.open(folder / "ptbxl_labels_all_from_merl.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            people[int(row["ecg_id"])] = (
                f"ptbxl-{int(float(row['patient_id']))}",
                int(row["strat_fold"]),
            )
    known, statements = {}, ()
    for part in ("train", "val", "test"):
        with gzip.open(folder / "labels_hubert" / f"ptbxl_all_{part}.csv.gz", "rt") as file:
            for row in csv.DictReader(file):
                statements = statements or tuple(
                    sorted(set(row) - {"filename", "age", "sex", "strat_fold"})
                )
                ecg_id = int(row["filename"][2:7])
                given = [code for code in statements if float(row[code]) > 0]
                above = {superclass_of[code] for code in given if code in superclass_of}
                labels = [
                    *(c in above for c in SUPERCLASSES),
                    *(c in given for c in statements if c != "NORM"),
                ]
                if ecg_id in people:
                    known[ecg_id] = (*people[ecg_id], np.array(labels, float))
    return known, (*SUPERCLASSES, *(code for code in statements if code != "NORM"))


def _superclass_of() -> dict[str, str]:
    from precordia.knowledge.codes import list_codes

    return {known.code: known.superclass for known in list_codes("scp-ecg") if known.superclass}
