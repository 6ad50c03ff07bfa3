# SPDX-License-Identifier: Apache-2.0
"""Baselines read and measure a record once, however many runs need it."""

import numpy as np
import pytest

from precordia.benchmarking.classification import benchmark_classification
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.stress import LEAD_SUBSETS
from precordia.core.measurements import Measurements
from precordia.core.record import Record

pytest.importorskip("torch")
N = 60


def made_up():
    def read(k):
        return Record(signal=np.full((2, 50), 0.001 * k), fs=50, leads=("I", "II"))

    return Cohort(
        database="made-up",
        task="t",
        classes=("HIGH",),
        names=tuple(f"r{k}" for k in range(N)),
        patients=tuple(f"p{k}" for k in range(N)),
        folds=tuple(str(1 + k % 5) for k in range(N)),
        targets=(np.arange(N)[:, None] * 7 % 11 > 4).astype(float),
        read=read,
    )


@pytest.mark.parametrize(
    ("how", "n_altered"),
    [
        ({"folds": "train=1-3,valid=4,test=5"}, N // 5 * len(LEAD_SUBSETS)),
        ({"cross_validate": 3}, N * len(LEAD_SUBSETS)),
    ],
)
def test_each_record_is_measured_once_for_all_shares_of_labels_seeds_and_divisions(
    tmp_path, monkeypatch, how, n_altered
):
    measured = []

    def measure(record):
        measured.append(record)
        return Measurements(heart_rate_bpm=float(1e4 * record.signal[0, 0]) % 110)

    monkeypatch.setattr("precordia.measurement.measure.measure", measure)
    options = ClassificationOptions(
        baselines=("measurements",),
        labels=("50%", "100%"),
        n_seeds=2,
        lead_subsets=True,
        draws=50,
        min_records=1,
        **how,
    )
    rows = benchmark_classification(made_up(), tmp_path, options)
    assert len({row.run for row in rows if row.kind == "measured"}) > 2
    assert len(measured) == N + n_altered


def test_records_that_are_read_otherwise_are_measured_anew():
    import dataclasses

    from precordia.benchmarking.withheld import Part

    cohort = made_up()
    other = dataclasses.replace(cohort, read=lambda k: cohort.read(k + 1))

    def first(record):
        return round(1000 * float(record.signal[0, 0]))

    assert Part(cohort.part([3, 1])).of_each("first", first) == [3, 1]
    assert Part(cohort.part([1, 2])).of_each("first", first) == [1, 2]
    assert Part(other.part([1, 2])).of_each("first", first) == [2, 3]
