# SPDX-License-Identifier: Apache-2.0
"""Each scenario must show the textbook pattern that it is named for."""

import numpy as np
import pytest

from precordia.core.leads import STANDARD_12
from precordia.generation.scenarios import find_scenario, list_scenarios
from precordia.generation.simulate import simulate


class Beat:
    """The third whole beat of a scenario, lead by lead, at 1000 Hz."""

    def __init__(self, name, seed=1):
        self.record = simulate(name, seed=seed, fs=1000)
        self.truth = self.record.carried.fiducials
        whole = np.isfinite(self.truth.qrs_onset) & np.isfinite(self.truth.t_offset)
        self.row = np.flatnonzero(whole & (self.truth.qrs_onset > 1000))[1]

    def lead(self, name):
        return self.record.signal[STANDARD_12.index(name)]

    def qrs(self, name):
        onset, offset = self.truth.qrs_onset[self.row], self.truth.qrs_offset[self.row]
        return self.lead(name)[int(onset) : int(offset) + 1]

    def st(self, name, after_j_ms=20):
        return self.lead(name)[int(self.truth.qrs_offset[self.row]) + after_j_ms]

    def t(self, name):
        return self.lead(name)[int(self.truth.t_peak[self.row])]

    def p(self, name):
        onset, offset = self.truth.p_onset[self.row], self.truth.p_offset[self.row]
        return self.lead(name)[int(onset) : int(offset) + 1]


def test_sinus_is_normal():
    beat, numbers = Beat("sinus"), simulate("sinus").carried.measurements
    assert 60 <= numbers["heart_rate_bpm"] <= 100
    assert -30 <= numbers["qrs_axis_deg"] <= 90
    assert 0 <= numbers["p_axis_deg"] <= 75
    for name in ("I", "II", "V4", "V5", "V6"):
        assert beat.p(name).max() > 0.03
        assert beat.qrs(name).max() > abs(beat.qrs(name).min())
        assert beat.t(name) > 0.05
        assert beat.p(name).max() < 0.25
    assert beat.qrs("aVR").min() < -0.4
    r = [beat.qrs(f"V{k}").max() for k in range(1, 5)]
    assert np.all(np.diff(r) > 0)  # R grows from V1 to V4
    assert beat.qrs("V1").min() < -beat.qrs("V1").max()
    assert -beat.qrs("V1").min() + beat.qrs("V5").max() < 3.5  # Sokolow-Lyon, not hypertrophied


def test_right_bundle_block():
    beat = Beat("right-bundle-block")
    half = beat.qrs("V1").size // 2
    assert beat.qrs("V1").size > 120
    assert beat.qrs("V1")[half:].max() > beat.qrs("V1")[:half].max() > 0.05  # rSR'
    assert beat.qrs("V1").min() < -0.2
    for name in ("I", "V6"):  # S longer than 40 ms
        assert (beat.qrs(name)[half:] < -0.05).sum() > 40
    assert beat.t("V1") < 0


def test_left_bundle_block():
    beat = Beat("left-bundle-block")
    assert beat.qrs("V1").size > 140
    assert beat.qrs("V1")[:120].max() < 0.05  # then it runs into an elevated ST segment
    assert beat.qrs("V1").min() < -1
    for name in ("I", "V5", "V6"):
        assert beat.qrs(name).min() > -0.05 or beat.qrs(name)[:60].min() > -0.03  # no q
        assert beat.qrs(name).max() > 0.5
        assert beat.t(name) < 0 > beat.st(name)  # discordant
    assert beat.t("V1") > 0 < beat.st("V1")


def test_fascicular_blocks():
    anterior = simulate("left-anterior-fascicular-block").carried.measurements
    posterior = simulate("left-posterior-fascicular-block").carried.measurements
    assert -90 < anterior["qrs_axis_deg"] < -45
    assert 90 < posterior["qrs_axis_deg"] < 180
    beat = Beat("left-anterior-fascicular-block")
    assert beat.qrs("aVL")[:25].min() < -0.05 < 0.5 < beat.qrs("aVL").max()  # qR in aVL
    for name in ("II", "III", "aVF"):  # rS below
        assert 0.03 < beat.qrs(name).max() < -beat.qrs(name).min()


def test_pre_excitation():
    numbers = simulate("pre-excitation").carried.measurements
    assert numbers["pr_ms"] < 120
    assert numbers["qrs_ms"] > 110
    qrs = Beat("pre-excitation").qrs("V4")
    slope = np.diff(qrs)
    peak = qrs.argmax()
    assert qrs[:30].min() >= 0
    assert slope[5:25].mean() < 0.8 * slope[: peak - 3].max()  # slurred at first, then steep


@pytest.mark.parametrize(
    ("name", "up", "down"),
    [
        ("stemi-anterior", ("V1", "V2", "V3"), ()),
        ("stemi-inferior", ("II", "III", "aVF"), ("I", "aVL")),
        ("stemi-lateral", ("I", "aVL", "V5", "V6"), ("III",)),
        ("stemi-posterior", (), ("V1", "V2", "V3")),
        ("subendocardial-depression", ("aVR",), ("I", "II", "V4", "V5", "V6")),
    ],
)
def test_st_deviates_in_its_territory(name, up, down):
    beat = Beat(name)
    for lead in up:
        assert beat.st(lead) > (0.2 if lead in ("V2", "V3") else 0.1)
    for lead in down:
        assert beat.st(lead) < -0.05


def test_old_infarcts():
    inferior, anterior = Beat("old-inferior-infarct"), Beat("old-anterior-infarct")
    for name in ("II", "III", "aVF"):  # Q of 30 ms and more, a quarter of R
        q = inferior.qrs(name)[:60]
        assert (q < -0.03).sum() >= 30
        assert -q.min() > 0.25 * inferior.qrs(name).max()
        assert inferior.t(name) < 0
    for name in ("V1", "V2", "V3"):
        assert anterior.qrs(name).max() < 0.1
        assert anterior.qrs(name).min() < -0.3


def test_hypertrophy():
    left, right = Beat("left-ventricular-hypertrophy"), Beat("right-ventricular-hypertrophy")
    assert -left.qrs("V1").min() + max(left.qrs("V5").max(), left.qrs("V6").max()) > 3.5
    assert left.st("V6") < 0 > left.t("V6")
    assert right.qrs("V1").max() > 0.7
    assert right.qrs("V1").max() > -right.qrs("V1").min()
    assert right.t("V1") < 0
    assert simulate("right-ventricular-hypertrophy").carried.measurements["qrs_axis_deg"] > 90


def test_atria():
    left, right = Beat("left-atrial-enlargement"), Beat("right-atrial-enlargement")
    assert left.p("II").size > 120
    terminal = -left.p("V1").min() * (left.p("V1") < -0.01).sum()  # mV ms
    assert terminal > 4  # Morris
    assert right.p("II").max() > 0.25
    assert Beat("sinus").p("II").max() < 0.2


def test_voltage_repolarisation_and_qt():
    low = Beat("low-voltage")
    assert all(np.ptp(low.qrs(name)) < 0.5 for name in STANDARD_12[:6])
    assert all(np.ptp(low.qrs(name)) < 1.0 for name in STANDARD_12[6:])
    assert Beat("hyperacute-t").t("V3") > 1.0
    assert Beat("t-inversion-anterior").t("V3") < -0.2
    assert Beat("t-inversion-inferior").t("aVF") < -0.1
    qt = {n: simulate(n).carried.measurements["qt_ms"] for n in ("short-qt", "sinus", "long-qt")}
    assert qt["short-qt"] < 340 < qt["sinus"] < 460 < qt["long-qt"]


def test_t_wave_alternans_has_the_stated_size():
    record = simulate("t-wave-alternans", seed=0)
    peaks = np.rint(record.carried.fiducials.t_peak[1:-1]).astype(int)
    heights = record.signal[:, peaks]
    difference = np.abs(heights[:, 1::2].mean(axis=1) - heights[:, 0::2].mean(axis=1))
    assert difference.max() == pytest.approx(0.2, abs=0.01)


def test_pacing_shows_spikes_before_the_wave():
    record = simulate("paced-dual", seed=0)
    jumps = np.abs(np.diff(record.signal[1]))
    truth = record.carried.fiducials
    for onset in (*truth.qrs_onset[1:-1], *truth.p_onset[1:-1]):
        near = jumps[int(onset) - 6 : int(onset) + 1]
        assert near.max() > 0.2


def test_every_scenario_says_in_words_what_it_is():
    for name in list_scenarios():
        assert find_scenario(name).name == name
        assert find_scenario(name).text
