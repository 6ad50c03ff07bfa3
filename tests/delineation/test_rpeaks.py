# SPDX-License-Identifier: Apache-2.0
"""R-peaks against made signals of known truth and against annotators."""

import numpy as np
import pytest

from precordia.core.errors import LeadError, SamplingRateError, SignalError
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.delineation import rpeaks
from precordia.delineation.rpeaks import detect_rpeaks, rpeaks_of_signal
from precordia.delineation.rpeaks_features import find_candidates
from precordia.delineation.rpeaks_plain import plain_beats
from precordia.generation.simulate import simulate

FS = 500.0


def wave(centre_s, fs=FS, *, seconds=12.0, height=1.2, t_height=0.25, shift=0.0):
    """Draw a lead with P, QRS and T around each centre."""
    t = np.arange(round(seconds * fs)) / fs
    out = np.zeros(len(t))
    for c in centre_s:
        for h, at, width in (
            (0.12, -0.16, 0.02),
            (-0.15, -0.028, 0.008),
            (height, 0.0, 0.011),
            (-0.3, 0.03, 0.01),
            (t_height, 0.28, 0.045),
        ):
            out += h * np.exp(-0.5 * ((t - c - at - shift) / width) ** 2)
    return out + 0.005 * np.random.default_rng(3).standard_normal(len(t))


def centres(bpm, seconds=12.0):
    """Give regular beats, none cut by an end."""
    return np.arange(0.5, seconds - 0.45, 60.0 / bpm)


def agree(found, centre_s, fs=FS, within_ms=12.0):
    """Tell whether there is one mark at each beat and none elsewhere."""
    return len(found) == len(centre_s) and np.abs(found / fs - centre_s).max() * 1000 < within_ms


@pytest.mark.parametrize("bpm", [35, 60, 100, 160, 200])
def test_every_beat_is_found_where_it_was_drawn_at_any_rate(bpm):
    c = centres(bpm)
    assert agree(rpeaks_of_signal(wave(c)[None], FS), c)


@pytest.mark.parametrize("fs", [100.0, 128.0, 200.0, 250.0, 257.0, 360.0, 400.0, 1000.0])
def test_the_place_does_not_depend_on_the_sampling_rate(fs):
    c = centres(72)
    assert agree(rpeaks_of_signal(wave(c, fs)[None], fs), c, fs)


def missed_and_extra(condition, leads, seeds=3, **options):
    """Count errors and beats over simulated records; beats cut by an end are free."""
    missed = extra = beats = 0
    for seed in range(seeds):
        record = simulate(condition, seed=seed, **options)
        truth = record.carried.fiducials.r_peak
        truth = truth[np.isfinite(truth)]
        found = detect_rpeaks(record, lead=leads)
        near = np.abs(truth[:, None] - found[None]) < 0.08 * FS
        low, high = 0.1 * FS, record.n_samples - 0.1 * FS
        missed += (~near.any(1) & (truth > low) & (truth < high)).sum()
        extra += (~near.any(0) & (found > low) & (found < high)).sum()
        beats += len(truth)
    return missed, extra, beats


@pytest.mark.parametrize("bpm", [30, 120, 180, 220, 260, 300])
@pytest.mark.parametrize("leads", [("II",), STANDARD_12])
def test_every_rate_a_heart_can_have_is_followed(bpm, leads):
    missed, extra, beats = missed_and_extra("sinus", leads, heart_rate_bpm=bpm)
    assert extra == 0
    assert missed <= 0.03 * beats


@pytest.mark.parametrize("bpm", [200, 280, 300])
@pytest.mark.parametrize("leads", [("I",), ("II",), STANDARD_12])
def test_a_fast_rhythm_whose_p_rides_on_the_t_is_followed_to_its_ends(bpm, leads):
    missed, extra, beats = missed_and_extra("sinus", leads, heart_rate_bpm=bpm, pr_ms=100.0)
    assert extra == 0
    assert missed <= 0.02 * beats


@pytest.mark.parametrize(
    "condition",
    ["ventricular-tachycardia", "paced-ventricular", "left-bundle-block", "ventricular-premature"],
)
def test_wide_beats_are_beats_in_twelve_leads(condition):
    missed, extra, beats = missed_and_extra(condition, STANDARD_12)
    assert extra <= 0.02 * beats
    assert missed <= 0.05 * beats


@pytest.mark.parametrize("fs", [100.0, 250.0, 500.0])
@pytest.mark.parametrize("size_mv", [0.05, 0.5, 2.0])
def test_one_lead_of_white_noise_hardly_ever_beats(fs, size_mv):
    rng = np.random.default_rng(11)
    found = [
        len(rpeaks_of_signal(size_mv * rng.standard_normal((1, int(10 * fs))), fs))
        for _ in range(12)
    ]
    assert np.median(found) <= 1
    assert np.mean(found) <= 3


def test_an_inverted_lead_gives_the_same_beats():
    x = wave(centres(80))[None]
    up, down = rpeaks_of_signal(x, FS), rpeaks_of_signal(-x, FS)
    assert len(up) == len(down)
    assert np.abs(up - down).max() <= 0.04 * FS


def test_tall_t_waves_are_not_beats():
    c = centres(70)
    assert agree(rpeaks_of_signal(wave(c, t_height=1.0)[None], FS), c)


@pytest.mark.parametrize(
    "signal",
    [
        np.zeros((12, 5000)),
        np.full((1, 5000), -7.5),
        np.full((3, 5000), np.nan),
        np.full((2, 5000), np.inf),
        np.zeros((0, 5000)),
        np.zeros((1, 0)),
        np.zeros((1, 2)),
    ],
)
def test_nothing_beats_where_nothing_moves(signal):
    found = rpeaks_of_signal(signal, FS)
    assert found.dtype == np.int64
    assert len(found) == 0


def test_digitiser_steps_are_not_beats():
    steps = np.random.default_rng(0).integers(0, 2, (1, 10000)) * 0.005
    assert len(rpeaks_of_signal(steps, FS)) == 0


def test_fibrillation_is_not_beats():
    t = np.arange(round(20 * FS)) / FS
    x = np.sin(2 * np.pi * 5.1 * t) * (0.6 + 0.3 * np.sin(2 * np.pi * 0.3 * t))
    x += 0.4 * np.sin(2 * np.pi * 6.3 * t + 1.0)
    assert len(rpeaks_of_signal(x[None], FS)) <= 2


def test_one_lead_of_garbage_does_not_spoil_the_others():
    c = centres(75)
    rng = np.random.default_rng(1)
    x = np.stack([wave(c) * g for g in (0.5, 1.0, -0.8, 0.3)])
    x[3] = 20 * rng.standard_normal(x.shape[1])
    x[0, 1000:3000] = np.nan
    both = np.concatenate([x, np.zeros((1, x.shape[1]))])
    assert agree(rpeaks_of_signal(both, FS), c)


def test_a_gap_hides_only_its_own_beats():
    c = centres(75)
    x = wave(c)[None]
    x[:, 2000:3000] = np.nan
    found = rpeaks_of_signal(x, FS)
    outside = (c < 3.95) | (c > 6.05)
    near = np.abs(found[:, None] / FS - c[outside]).min(0)
    assert (near < 0.02).all()
    assert not ((found > 2020) & (found < 2980)).any()


def test_pacing_spikes_are_not_the_r_peak():
    c = centres(72)
    t = np.arange(round(12 * FS)) / FS
    x = sum(np.exp(-0.5 * ((t - k) / 0.03) ** 2) for k in c)
    for k in c:
        start = round((k - 0.08) * FS)
        x[start : start + 2] += 4.0
    found = rpeaks_of_signal(x[None], FS)
    assert agree(found, c, within_ms=20.0)


def test_the_result_does_not_depend_on_the_blocks(monkeypatch):
    beats = np.cumsum(np.random.default_rng(5).uniform(0.5, 1.2, 700))
    x = wave(beats, 250.0, seconds=600.0)[None].astype(np.float32)
    results = []
    for segments in (4, 16, 10**6):
        monkeypatch.setattr(rpeaks, "_BLOCK_SEGMENTS", segments)
        results.append(rpeaks_of_signal(x, 250.0))
    assert np.array_equal(results[0], results[2])
    assert np.array_equal(results[1], results[2])


@pytest.mark.parametrize("fs", [100.0, 250.0, 500.0])
@pytest.mark.parametrize("rr_s", [0.7, 0.8, 1.2])
def test_what_is_plain_is_what_the_networks_say(rr_s, fs, monkeypatch):
    x = wave(np.arange(0.6 * rr_s, 10, rr_s), fs, seconds=10.0)[None].astype(np.float32)
    assert plain_beats(find_candidates(x, fs, with_features=False)) is not None
    expected = rpeaks_of_signal(x, fs)
    monkeypatch.setattr(rpeaks, "plain_beats", lambda found: None)
    assert np.array_equal(rpeaks_of_signal(x, fs), expected)


def test_uneven_busy_or_cut_recordings_are_not_plain():
    def plain(x):
        return plain_beats(find_candidates(x[None].astype(np.float32), FS, with_features=False))

    t = np.arange(5000) / FS
    c = np.arange(0.5, 9.9, 0.8)
    assert len(plain(wave(c, seconds=10.0))) == len(c)
    assert plain(wave(np.delete(c, 5), seconds=10.0)) is None
    assert plain(wave(c, seconds=10.0)[: round((c[-1] - 0.005) * FS)]) is None
    assert plain(wave(c, seconds=10.0, t_height=4.0)) is None
    assert plain(np.sin(2 * np.pi * 1.1 * t)) is None
    assert plain(np.random.default_rng(0).standard_normal(5000)) is None


def test_leads_are_chosen_by_name():
    x = np.stack([wave(centres(60)), np.zeros(6000)]).astype(np.float32)
    record = Record(signal=x, fs=FS, leads=("I", "II"))
    assert len(detect_rpeaks(record, lead="II")) == 0
    assert np.array_equal(detect_rpeaks(record, lead="I"), detect_rpeaks(record, lead=["I"]))
    with pytest.raises(LeadError, match="V9"):
        detect_rpeaks(record, lead="V9")


def test_wrong_input_is_explained():
    with pytest.raises((SignalError, TypeError)):  # TypeError where shapes are checked
        rpeaks_of_signal(np.zeros(5000), FS)
    with pytest.raises(SamplingRateError, match="50 Hz"):
        rpeaks_of_signal(np.zeros((1, 5000)), 20.0)


@pytest.mark.parametrize(("name", "floor"), [("101", 0.995), ("119", 0.995), ("203", 0.97)])
def test_annotators_of_mitdb_agree(shared_data, name, floor):
    wfdb = pytest.importorskip("wfdb")
    path = str(shared_data / "mitdb" / name)
    record, ann = wfdb.rdrecord(path, channels=[0]), wfdb.rdann(path, "atr")
    truth = np.array(
        [s for s, c in zip(ann.sample, ann.symbol, strict=True) if c in "NLRBAaJSVrFejnE/fQ?"]
    )
    found = rpeaks_of_signal(record.p_signal.T.astype(np.float32), float(record.fs))
    hit = (np.abs(truth[:, None] - found[None]).min(1) <= 0.05 * record.fs).sum()
    assert hit / len(truth) > floor
    assert hit / len(found) > floor


def test_every_lead_of_ludb_together_finds_the_beats_of_the_cardiologists(shared_data):
    wfdb = pytest.importorskip("wfdb")
    paths = sorted((shared_data / "ludb" / "data").glob("*.hea"))[:20]
    missed = extra = beats = 0
    for path in paths:
        stem = str(path.with_suffix(""))
        record, ann = wfdb.rdrecord(stem), wfdb.rdann(stem, "ii")
        truth = np.array([s for s, c in zip(ann.sample, ann.symbol, strict=True) if c == "N"])
        found = rpeaks_of_signal(record.p_signal.T.astype(np.float32), FS)
        found = found[(found > truth[0] - 75) & (found < truth[-1] + 75)]
        near = np.abs(truth[:, None] - found[None]) <= 0.1 * FS
        missed += (~near.any(1)).sum()
        extra += (~near.any(0)).sum()
        beats += len(truth)
    assert missed + extra <= 0.005 * beats
