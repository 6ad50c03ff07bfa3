# SPDX-License-Identifier: Apache-2.0
"""Distortions whose size is known."""

from dataclasses import replace

import numpy as np
import pytest

from precordia.core.errors import SignalError
from precordia.core.record import Record
from precordia.datasets.toy import toy_record
from precordia.io.read import read
from precordia.tokens.distortion import compare


@pytest.fixture(scope="module")
def record():
    return read(toy_record())


def test_noise_of_a_known_size_is_measured(record):
    noise = np.random.default_rng(0).normal(0, 0.05, record.signal.shape)
    noisy = replace(record, signal=record.signal + noise)
    lost = compare(record, noisy)
    x = record.signal.astype(float)
    assert lost.rmse_mv == pytest.approx(0.05, rel=0.01)
    about = x - x.mean(axis=1, keepdims=True)
    assert lost.prd_percent == pytest.approx(100 * 0.05 / about.std(), rel=0.01)


def test_beats_moved_by_twelve_milliseconds_are_moved_by_twelve(record):
    moved = replace(record, signal=np.roll(record.signal, 6, axis=1))
    lost = compare(record, moved)
    assert lost.rpeak_ms == pytest.approx(12, abs=1)
    assert lost.n_rpeaks - lost.n_lost >= 9


def test_a_flat_copy_has_lost_every_beat(record):
    lost = compare(record, replace(record, signal=0 * record.signal))
    assert lost.n_lost == lost.n_rpeaks > 5
    assert np.isnan(lost.rpeak_ms)


def test_only_samples_that_both_have_count(record):
    holes = record.signal.copy()
    holes[:, 100:200] = np.nan
    assert compare(replace(record, signal=holes), record).rmse_mv == 0


def test_recordings_of_another_shape_are_refused(record):
    other = Record(signal=record.signal[:, :-1], fs=record.fs, leads=record.leads)
    with pytest.raises(SignalError, match="same leads and length"):
        compare(record, other)
