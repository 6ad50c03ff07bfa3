# SPDX-License-Identifier: Apache-2.0
"""Stores of every twelve-lead recording here: PTB-XL with its superclasses, the others without.

python benchmarks/pretraining/stores.py --data ../shared/data --to /tmp/pretraining/stores

PTB-XL comes from two places, the official files and a sample that was brought to 0.5-40 Hz and unit
variance at 100 Hz; what is pretrained and compared on both must therefore standardise each lead.
Fold 10 is left out, and so are recordings of the challenges that are PTB-XL's own.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from pathlib import Path

import numpy as np

from precordia.core.leads import STANDARD_12
from precordia.core.record import Patient
from precordia.datasets.item import Item
from precordia.datasets.store_build import build_store

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
#: databases whose recordings teach without labels
OTHERS = ("cinc2021", "cinc2011", "code15", "ludb")
_SEXES = {"0": "male", "1": "female"}


def main() -> None:
    """Build all stores that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the databases")
    parser.add_argument("--to", type=Path, required=True, help="folder for the stores")
    given = parser.parse_args()
    build_all(given.data, given.to)


def build_all(data: Path, to: Path) -> dict[str, Path]:
    """Build the stores that are not there yet; return the folder of each."""
    built = {"ptbxl": to / "ptbxl"}
    print(build_store(ptbxl_items(data, to / "files"), built["ptbxl"], name="ptbxl", fs=100))
    for name in OTHERS:
        # one of each name: folders of the challenges repeat recordings; HR is PTB-XL's own
        headers = {path.stem: path for path in sorted((data / name).rglob("*.hea"))}
        items = [Item(name=k, path=path) for k, path in headers.items() if not k.startswith("HR")]
        if items:
            built[name] = to / name
            print(build_store(items, built[name], name=name))
    return built


def ptbxl_items(data: Path, files: Path) -> list[Item]:
    """Return the official recordings, and those of the sample that are not among them."""
    people, known = _patients(data / "ptbxl_norm"), _known(data / "ptbxl_norm")
    paths: dict[int, tuple[Path, dict]] = {}
    with np.load(data / "ptbxl_norm" / "ptbxl_norm_100hz_int16.npz") as held:
        files.mkdir(parents=True, exist_ok=True)
        for ecg_id, signal in zip(held["ecg_id"].tolist(), held["x"], strict=True):
            path = files / f"{ecg_id:05d}.npy"
            if not path.is_file():
                np.save(path, np.ascontiguousarray(signal.T, np.float32) / 1000)
            paths[ecg_id] = (path, {"fs": 100.0, "leads": STANDARD_12, "unit": "mV"})
    for path in sorted((data / "ptbxl" / "records100").rglob("*.hea")):
        paths[int(path.stem[:5])] = (path, {})
    items = []
    for ecg_id, (path, reading) in sorted(paths.items()):
        if ecg_id not in known or known[ecg_id][1] == "10":
            continue
        who, fold, labels = known[ecg_id]
        items.append(
            Item(
                name=f"{ecg_id:05d}",
                path=path,
                patient=Patient(patient_id=people[ecg_id], **who),
                known_as=f"ptbxl-{people[ecg_id]}",
                labels=labels,
                fold=fold,
                reading=reading,
            )
        )
    return items


def _patients(folder: Path) -> dict[int, str]:
    with gzip.open(folder / "ptbxl_labels_all_from_merl.csv.gz", "rt") as file:
        return {
            int(row["ecg_id"]): str(int(float(row["patient_id"]))) for row in csv.DictReader(file)
        }


def _known(folder: Path) -> dict[int, tuple[dict, str, tuple[str, ...]]]:
    known = {}
    for part in ("train", "val", "test"):
        table = folder / "labels_hubert" / f"ptbxl_diag_superclass_{part}.csv.gz"
        with gzip.open(table, "rt") as file:
            for row in csv.DictReader(file):
                age = float(row["age"] or "nan")
                who = {
                    "age_years": age if age <= 120 else float("nan"),
                    "sex": _SEXES.get(row["sex"].split(".")[0]),
                }
                labels = tuple(c for c in SUPERCLASSES if float(row[c]) > 0)
                known[int(row["filename"][2:7])] = (who, str(int(float(row["strat_fold"]))), labels)
    return known


if __name__ == "__main__":
    main()
