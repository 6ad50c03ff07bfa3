# SPDX-License-Identifier: Apache-2.0
"""Counterfeits: what is gone is gone, the rest is untouched, and the source says what was done."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from precordia.core.errors import LeadError
from precordia.core.record import Patient, Record
from precordia.generation.borrowed_signal import unnamed, with_signal_of
from precordia.generation.empty_signal import with_flat_line, without_signal
from precordia.generation.permuted_leads import with_permuted_leads
from precordia.generation.phase_surrogate import with_random_phases
from precordia.generation.reversed_time import with_time_reversed
from precordia.generation.simulate import simulate
from precordia.generation.strangers import list_strangers
from precordia.generation.without_leads import with_leads_flat, with_leads_removed

OTHER = simulate("atrial-fibrillation", seed=3)
MAKERS: list[Callable[[Record], Record]] = [
    without_signal,
    with_flat_line,
    with_random_phases,
    with_permuted_leads,
    with_time_reversed,
    lambda record: with_leads_removed(record, record.leads[:1]),
    lambda record: with_leads_flat(record, record.leads[:1]),
    lambda record: with_signal_of(record, OTHER),
    lambda record: unnamed(record, OTHER),
]


@pytest.fixture(scope="module")
def record() -> Record:
    return simulate("sinus", seed=1, noise="muscle", snr_db=20.0)


@pytest.mark.parametrize("make", MAKERS)
def test_a_counterfeit_is_marked_and_the_record_stays_as_it_was(make, record):
    before = record.signal.copy()
    made = make(record)
    assert made.origin == "synthetic"
    assert made.source.method.startswith("counterfeit:")
    assert made.source.warnings
    assert not np.array_equal(made.signal, before, equal_nan=True)
    assert np.array_equal(record.signal, before)
    assert record.carried.fiducials is not None  # and the truth of the old signal is not in the new
    assert made.carried.fiducials is None


def test_what_the_file_says_stays_so_that_whoever_reads_it_is_found_out(record):
    told = [s.code for s in record.carried.statements]
    assert told
    assert [s.code for s in with_flat_line(record).carried.statements] == told
    assert [s.code for s in with_signal_of(record, OTHER).carried.statements] == told
    assert not unnamed(record, OTHER).carried.statements


def test_nothing_recorded_is_missing_and_flat_is_still(record):
    assert np.isnan(without_signal(record).signal).all()
    flat = with_flat_line(record).signal
    assert (np.ptp(flat, axis=1) == 0).all()
    assert np.allclose(flat[:, 0], np.median(record.signal, axis=1), atol=1e-6)


def test_noise_has_the_spectra_of_the_recording_and_none_of_its_course(record):
    noise = with_random_phases(record, seed=4)
    mine, theirs = (np.abs(np.fft.rfft(r.signal, axis=1)) for r in (record, noise))
    assert np.allclose(mine, theirs, rtol=1e-3, atol=1e-2)
    likeness = [np.corrcoef(a, b)[0, 1] for a, b in zip(record.signal, noise.signal, strict=True)]
    assert np.abs(likeness).max() < 0.3
    # Einthoven's law and the correlation of the leads are those of the recording
    assert np.allclose(noise.signal[0] + noise.signal[2], noise.signal[1], atol=1e-4)
    assert np.allclose(np.corrcoef(record.signal), np.corrcoef(noise.signal), atol=1e-3)
    assert not np.array_equal(noise.signal, with_random_phases(record, seed=5).signal)
    assert np.array_equal(noise.signal, with_random_phases(record, seed=4).signal)


def test_noise_leaves_gaps_where_they_were():
    signal = np.random.default_rng(0).normal(size=(2, 1001)).astype(np.float32)
    signal[0, 100:200] = np.nan
    noise = with_random_phases(Record(signal=signal, fs=500, leads=("I", "II")))
    assert np.array_equal(np.isnan(noise.signal), np.isnan(signal))


def test_no_lead_shows_its_own_signal_and_none_is_lost(record):
    made = with_permuted_leads(record)
    assert made.leads == record.leads
    for name, shown in made.source.parameters["shows"].items():
        assert name != shown
        row = made.signal[made.leads.index(name)]
        assert np.array_equal(row, record.signal[record.leads.index(shown)])
    assert set(made.source.parameters["shows"].values()) == set(record.leads)
    with pytest.raises(LeadError, match="two at least"):
        with_permuted_leads(with_leads_removed(record, record.leads[1:]))


def test_backwards_twice_is_forwards(record):
    assert np.array_equal(with_time_reversed(with_time_reversed(record)).signal, record.signal)


def test_the_other_leads_are_untouched(record):
    removed = with_leads_removed(record, ["V2", "I"])
    assert removed.leads == tuple(n for n in record.leads if n not in ("V2", "I"))
    flat = with_leads_flat(record, ["V2", "I"])
    for name in record.leads:
        mine = record.signal[record.leads.index(name)]
        row = flat.signal[flat.leads.index(name)]
        if name in ("V2", "I"):
            assert not row.any()
        else:
            assert np.array_equal(row, mine)
            assert np.array_equal(removed.signal[removed.leads.index(name)], mine)
    with pytest.raises(LeadError, match="V9"):
        with_leads_flat(record, ["V9"])


def test_a_borrowed_signal_is_under_this_patient_s_name():
    mine = Record(
        signal=np.zeros((1, 500)), fs=500, leads=("II",),
        patient=Patient(patient_id="7", name="Ann", age_years=50.0, sex="female"),
    )  # fmt: skip
    made = with_signal_of(mine, OTHER)
    assert (made.patient.name, made.fs, made.leads) == ("Ann", OTHER.fs, OTHER.leads)
    bare = unnamed(mine, OTHER).patient
    assert (bare.patient_id, bare.name, bare.age_years, bare.sex) == (None, None, 50.0, "female")


@pytest.mark.parametrize("make", [without_signal, with_flat_line, with_random_phases])
@pytest.mark.parametrize("shape", [(0, 0), (2, 0), (1, 1), (2, 3)])
def test_records_of_almost_nothing_have_counterfeits_too(make, shape):
    leads = ("I", "II")[: shape[0]]
    record = Record(signal=np.full(shape, np.nan), fs=500, leads=leads)
    assert make(record).signal.shape == shape


def test_the_strangers_differ_and_are_always_the_same():
    rates = [r.carried.measurements["heart_rate_bpm"] for r in list_strangers()]
    assert len(set(rates)) > 5
    assert list_strangers() is list_strangers()
