# SPDX-License-Identifier: Apache-2.0
"""XQRS gives the marks of WFDB for Python, sample by sample."""

import warnings

import numpy as np
import pytest

from precordia.nn.xqrs import xqrs_beats

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    processing = pytest.importorskip("wfdb.processing")


def theirs(x, fs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return processing.xqrs_detect(x.astype(float), fs=fs, verbose=False).astype(int).tolist()


@pytest.mark.parametrize("fs", [100, 250, 500])
def test_marks_on_noisy_beats_are_those_of_wfdb(fs):
    random = np.random.default_rng(int(fs))
    n_marks = 0
    for _ in range(25):
        t = np.arange(10 * fs) / fs
        beats = np.cumsum(random.uniform(0.35, random.uniform(0.5, 1.6), 40))
        x = sum(
            random.uniform(0.2, 1.5) * np.exp(-0.5 * ((t - b) / 0.02) ** 2)
            + random.uniform(-0.1, 0.5) * np.exp(-0.5 * ((t - b - 0.25) / 0.05) ** 2)
            for b in beats
        )
        x = x + random.choice([0.01, 0.1, 0.4]) * random.standard_normal(t.size)
        expected = theirs(x, fs)
        assert xqrs_beats(x, fs).tolist() == expected
        n_marks += len(expected)
    assert n_marks > 200


@pytest.mark.parametrize(
    "x",
    [
        np.zeros(1000),
        np.full(1000, 2.5),
        np.sin(np.arange(1000) / 300),
        np.where(np.arange(1000) == 500, 1.0, 0.0),
        1e-3 * np.sin(np.arange(1000)),
    ],
    ids=["zeros", "flat", "slow", "one spike", "fast and small"],
)
def test_marks_on_what_hardly_beats_are_those_of_wfdb(x):
    if x.min() == x.max():
        assert xqrs_beats(x, 100).size == 0
    else:
        assert xqrs_beats(x, 100).tolist() == theirs(x, 100)


def test_marks_on_real_leads_are_those_of_wfdb(shared_data):
    with np.load(shared_data / "ptbxl_norm" / "ptbxl_norm_100hz_int16.npz") as held:
        windows = next(held[name] for name in held.files if held[name].ndim == 3)
    for window in windows[::60]:
        lead = (window[0] if window.shape[0] <= 12 else window[:, 0]) / 1000
        assert xqrs_beats(lead, 100).tolist() == theirs(lead, 100)
