# SPDX-License-Identifier: Apache-2.0
"""What a store says of itself."""

from dataclasses import replace

import numpy as np

from precordia.core.record import Patient, Record
from precordia.datasets.dataset import load_dataset
from precordia.datasets.describe import describe_dataset
from precordia.datasets.item import Item
from precordia.datasets.store import open_store
from precordia.datasets.store_build import build_store
from precordia.datasets.store_describe import StoreDescription, describe_store
from precordia.io.write import write


def test_a_store_of_a_database_counts_what_the_database_counts(small, tmp_path):
    dataset = load_dataset("ptbxl", small("ptbxl"))
    build_store(dataset, tmp_path / "s")
    said, truth = describe_store(open_store(tmp_path / "s")), describe_dataset(dataset)
    assert said.n_records == truth.n_records
    assert said.classes == truth.classes
    assert said.folds == truth.folds
    assert (said.female, said.male) == (truth.female, truth.male)
    assert said.age_years == truth.age_years
    assert said.n_patients + said.n_unknown_patients == truth.n_patients
    assert said.licences == {"ptbxl": "CC BY 4.0"}
    assert StoreDescription.from_json(said.to_json()) == said


def test_sizes_missing_samples_and_single_classes_are_told(tmp_path):
    signal = np.random.default_rng(0).integers(-9, 9, (2, 5000)) * np.float32(0.005)
    signal[1, :70] = np.nan
    made = Record(signal=signal.astype(np.float32), fs=500, leads=("I", "II"))
    path = write(made, tmp_path / "a.npz")
    one = Item(name="a", path=path, labels=("AF",), patient=Patient(patient_id="p"))
    build_store([one], tmp_path / "s", name="own")
    build_store([replace(one, labels=("LBBB",))], tmp_path / "s", name="other")
    said = describe_store(open_store(tmp_path / "s"))
    assert said.known == {"AF": 1, "LBBB": 1}
    assert (said.n_missing, said.error_mv, said.n_patients) == (140, 0, 1)
    assert said.seconds == {"10": 2}
    size = sum(path.stat().st_size for path in (tmp_path / "s").glob("records-*"))
    assert said.n_bytes == size
    assert said.of_int16 == size / (2 * 2 * 2 * 5000)
    text = str(said)
    assert "2 classes of the store with a single record (AF, LBBB)" in text
    assert "data set    own: 1 (task labels)" in text
