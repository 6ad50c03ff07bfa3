# SPDX-License-Identifier: Apache-2.0
"""Every beat in every lead: sizes and durations of waves that were put there."""

from dataclasses import fields

import numpy as np

from precordia.core.fiducials import Fiducials, Waves, empty_waves
from precordia.core.record import Record
from precordia.measurement.beat_features import BEAT_FEATURES, beat_features

FS, ON = 500.0, np.array([200.0, 700.0, 1200.0])
#: each wave: onset and offset after the QRS onset, peak, samples; height, mV
WAVES = {"p": (-80, -30, -55, 0.15), "q": (0, 10, 5, -0.1), "r": (10, 30, 20, 1.0),
         "s": (30, 45, 38, -0.4), "t": (100, 180, 150, 0.3)}  # fmt: skip


def made(scale, offset=0.7):
    """Triangles of known height on a level of their own, growing from beat to beat."""
    signal = np.full(1600, offset)
    for k, on in enumerate(ON):
        for start, stop, peak, height in WAVES.values():
            x = np.arange(start, stop + 1)
            shape = np.interp(x, [start, peak, stop], [0.0, 1.0, 0.0])
            signal[int(on) + x] += height * scale * (1 + k) * shape
    return signal


def waves(n=3):
    at = {f.name: getattr(empty_waves(n), f.name) for f in fields(Waves)}
    for wave, (start, stop, peak, _) in WAVES.items():
        at[f"{wave}_peak"] = ON + peak
        if wave in "pt":
            at |= {f"{wave}_onset": ON + start, f"{wave}_offset": ON + stop}
    return at | {"qrs_onset": ON, "qrs_offset": ON + 45}


def test_sizes_and_durations_are_those_of_the_drawn_waves():
    record = Record(signal=np.stack([made(1.0), made(0.5)]), fs=FS, leads=("I", "V2"))
    at = waves()
    lead = Waves(**at)
    fiducials = Fiducials(fs=FS, n_samples=1600, leads={"I": lead, "V2": lead}, **at)
    found = beat_features(record, fiducials)
    assert set(found["I"]) == set(BEAT_FEATURES)
    for name, scale in (("I", 1.0), ("V2", 0.5)):
        for wave, (_, _, _, height) in WAVES.items():
            expected = height * scale * np.array([1, 2, 3])
            np.testing.assert_allclose(found[name][f"{wave}_mv"], expected, atol=1e-5)
    lengths = {"p_ms": 100, "pr_ms": 160, "qrs_ms": 90, "t_ms": 160, "qt_ms": 360, "st_j60_mv": 0}
    for name, expected in lengths.items():
        np.testing.assert_allclose(found["I"][name], expected, atol=1e-5)


def test_what_was_not_seen_is_nan_and_blocked_p_waves_have_no_row():
    record = Record(signal=made(1.0)[None], fs=FS, leads=("I",))
    at = waves()
    at["p_peak"] = at["p_onset"] = np.array([np.nan, *(ON[1:] - 55)])
    at["t_offset"] = np.array([9999.0, *(ON[1:] + 180)])
    at["t_peak"] = np.array([9999.0, *(ON[1:] + 150)])
    for name in ("qrs_onset", "r_peak"):
        at[name] = np.array([*at[name][:2], np.nan])
    fiducials = Fiducials(fs=FS, n_samples=1600, leads={"I": Waves(**at)}, **at)
    found = beat_features(record, fiducials)["I"]
    assert all(values.size == 2 for values in found.values())
    assert np.isnan([found["p_mv"][0], found["pr_ms"][0], found["t_mv"][0]]).all()
    assert np.isfinite([found["p_mv"][1], found["r_mv"][0], found["t_mv"][1]]).all()
