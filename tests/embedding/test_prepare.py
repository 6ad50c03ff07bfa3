# SPDX-License-Identifier: Apache-2.0
"""Preparation meets the spec or says why not: closed forms, and SciPy as the oracle."""

import os
import timeit
import warnings

import numpy as np
import pytest
import scipy.signal as sps

from precordia.core.errors import (
    LeadError,
    OptionError,
    PrecordiaError,
    SamplingRateError,
    SignalError,
    UnitError,
)
from precordia.core.input_spec import InputSpec
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.datasets.toy import toy_record
from precordia.embedding.prepare import prepare
from precordia.io.read import read
from precordia.signal.lead_algebra import INDEPENDENT_8, complete_standard_12
from precordia.signal.resample import resample

WINDOW = {"step": "window"}


def spec(*steps: dict, leads="standard-12", fs=500, seconds=10, **rest) -> InputSpec:
    table = {"leads": leads, "fs": fs, "seconds": seconds, "steps": steps or [WINDOW]}
    return InputSpec.from_table(table | rest)


def one(*steps: dict, **rest) -> InputSpec:
    return spec(*steps, **({"leads": ["I"], "fs": 100, "seconds": 1} | rest))


def single(values, fs=100) -> Record:
    return Record(signal=np.asarray(values, float)[np.newaxis], fs=fs, leads=("I",))


def noise(n_leads=12, n_samples=5000, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_leads, n_samples)).astype(np.float32) * 0.3


def twelve(fs=500, n_samples=5000) -> Record:
    signal = complete_standard_12(noise(8, n_samples), INDEPENDENT_8)
    return Record(signal=signal, fs=fs, leads=STANDARD_12)


# leads


def test_leads_come_by_name_whatever_their_order():
    record = twelve()
    turned = Record(signal=record.signal[::-1], fs=500, leads=STANDARD_12[::-1])
    np.testing.assert_array_equal(prepare(turned, spec()).windows[0], record.signal)


def test_eight_leads_give_twelve_by_algebra():
    record = twelve()
    keep = [STANDARD_12.index(name) for name in INDEPENDENT_8]
    eight = Record(signal=record.signal[keep], fs=500, leads=INDEPENDENT_8)
    prepared = prepare(eight, spec())
    assert prepared.derived == ("III", "aVR", "aVL", "aVF")
    assert "computed from the other limb leads" in prepared.steps[0]
    np.testing.assert_allclose(prepared.windows[0], record.signal, atol=1e-6)


def test_any_two_limb_leads_do_and_minus_avr_is_one():
    record = twelve()
    chest = record.signal[6:]
    names = ("-aVR", "aVF", *STANDARD_12[6:])
    few = Record(
        signal=np.vstack([-record.signal[3], record.signal[5], chest]), fs=500, leads=names
    )
    prepared = prepare(few, spec())
    assert prepared.derived == ("I", "II", "III", "aVR", "aVL")
    np.testing.assert_allclose(prepared.windows[0], record.signal, atol=1e-5)


def test_a_lead_without_a_sample_is_absent_and_computed_where_it_can_be():
    signal = twelve().signal.copy()
    signal[2] = np.nan
    record = Record(signal=signal, fs=500, leads=STANDARD_12)
    assert prepare(record, spec()).derived == ("III",)
    signal[7] = np.nan
    record = Record(signal=signal, fs=500, leads=STANDARD_12)
    with pytest.raises(LeadError, match="V2 cannot be computed"):
        prepare(record, spec())


def test_absent_leads_are_zero_and_move_no_statistics():
    signal = twelve().signal
    some = Record(signal=signal[:7], fs=500, leads=STANDARD_12[:7])
    table = spec(WINDOW, {"step": "z-score", "over": "all"}, missing_leads="zero")
    prepared = prepare(some, table)
    assert prepared.absent == STANDARD_12[7:]
    assert not prepared.windows[:, 7:].any()
    seven = signal[:7].astype(float)
    np.testing.assert_allclose(
        prepared.windows[0, :7], (seven - seven.mean()) / seven.std(), atol=1e-5
    )
    assert prepared.filled.tolist() == [[0.0] * 7 + [1.0] * 5]
    first = spec(WINDOW, {"step": "z-score", "over": "all"}, missing_leads="zero-first")
    padded = np.vstack([seven, np.zeros((5, 5000))])
    np.testing.assert_allclose(
        prepare(some, first).windows[0], (padded - padded.mean()) / padded.std(), atol=1e-5
    )


def test_fixed_statistics_follow_their_leads_past_absent_ones():
    table = spec(
        WINDOW,
        {"step": "standardise", "mean": list(range(12)), "sd": [2.0] * 12},
        missing_leads="zero",
    )
    record = Record(signal=np.full((2, 5000), 20.0), fs=500, leads=("V6", "V1"))
    windows = prepare(record, table, trust_scale=True).windows
    assert windows[0, 6, 0] == (20 - 6) / 2
    assert windows[0, 11, 0] == (20 - 11) / 2
    assert np.count_nonzero(windows[0, :, 0]) == 2


def test_refusals_about_leads_say_what_to_do():
    with pytest.raises(LeadError, match=r"'x' needs I, II.*has 1 leads \(II\).*Choose a model"):
        record = Record(signal=noise(1), fs=500, leads=("II",))
        prepare(record, InputSpec.from_table(spec().to_table(), model="x"))
    with pytest.raises(LeadError, match="Chest leads follow from no others"):
        prepare(Record(signal=noise(6), fs=500, leads=STANDARD_12[:6]), spec(leads=["V1"]))
    none = Record(signal=np.full((1, 5000), np.nan), fs=500, leads=("V1",))
    with pytest.raises(LeadError, match=r"0 leads \(none\)"):
        prepare(none, spec(missing_leads="zero"))


def test_a_model_of_one_lead_takes_the_only_one_or_the_one_named():
    table = spec(leads=["any"])
    assert prepare(Record(signal=noise(1), fs=500, leads=("V5",)), table).leads == ("V5",)
    assert prepare(twelve(), table, lead="V2").leads == ("V2",)
    two = Record(signal=noise(2), fs=500, leads=("I", "II"))
    np.testing.assert_allclose(
        prepare(two, table, lead="III").windows[0, 0], two.signal[1] - two.signal[0], atol=1e-6
    )
    with pytest.raises(LeadError, match="Say which"):
        prepare(two, table)
    with pytest.raises(LeadError, match="V1"):
        prepare(two, table, lead="V1")
    with pytest.raises(OptionError, match="Leave lead out"):
        prepare(twelve(), spec(), lead="II")


# rate


@pytest.mark.parametrize("fs", [100, 250, 500])
def test_rates_change_as_the_named_method_changes_them(fs):
    record, n_new = twelve(), fs * 10
    x = record.signal.astype(float)
    oracles = {
        "sinc": resample(x, 500, fs),
        "fourier": sps.resample(x, n_new, axis=1),
        "polyphase": sps.resample_poly(x, fs, 500, axis=1),
        "linear": np.stack([np.interp(np.arange(n_new) * 500 / fs, np.arange(5000), r) for r in x]),
        "linear-ends": np.stack(
            [np.interp(np.linspace(0, 4999, n_new), np.arange(5000), r) for r in x]
        ),
        "pick": x[:, :: 500 // fs],
    }
    for method, oracle in oracles.items():
        table = spec({"step": "resample", "method": method}, WINDOW, fs=fs)
        prepared = prepare(record, table)
        assert prepared.covers.tolist() == [[0, 5000]]
        np.testing.assert_allclose(prepared.windows[0], oracle, atol=1e-5, err_msg=method)


def test_rates_rise_too_and_the_result_says_what_is_not_there():
    prepared = prepare(twelve(fs=128, n_samples=1280), spec({"step": "resample"}, WINDOW))
    assert prepared.windows.shape == (1, 12, 5000)
    assert "nothing above 64 Hz" in prepared.steps[0]


def test_refusals_about_rates_say_what_to_do():
    with pytest.raises(SamplingRateError, match=r"resample_record\(record, fs=500\)"):
        prepare(twelve(fs=360), spec())
    with pytest.raises(SamplingRateError, match="recordings at 250 Hz or more"):
        prepare(twelve(fs=100), spec({"step": "resample", "lowest_fs": 250}, WINDOW))
    with pytest.raises(SamplingRateError, match="rate above 80 Hz"):
        low = {"step": "butterworth", "kind": "lowpass", "high_hz": 40}
        prepare(twelve(fs=80), spec(low, {"step": "resample"}, WINDOW))
    with pytest.raises(SamplingRateError, match="must be a multiple"):
        prepare(twelve(fs=360), spec({"step": "resample", "method": "pick"}, WINDOW, fs=250))
    with pytest.raises(SamplingRateError, match="end to end"):
        steps = ({"step": "decimate", "factor": 3, "across_leads": True}, WINDOW)
        prepare(
            single(np.ones(1000)),
            one({"step": "resample", "fs": 100}, *steps, fs=100 / 3, seconds=3),
        )


# filters


def test_filters_are_those_of_scipy():
    record = twelve()
    x = record.signal.astype(float)
    band = {"low_hz": 0.67, "high_hz": 40}
    b, a = sps.butter(3, (0.67, 40), "bandpass", fs=500)
    sections = sps.butter(3, (0.67, 40), "bandpass", fs=500, output="sos")
    taps = sps.firwin(151, (0.67, 40), pass_zero=False, fs=500)
    low_taps = sps.firwin(151, 40, fs=500, window="hann")
    notch = sps.iirnotch(50, 30, fs=500)
    high = sps.butter(4, 0.5, "highpass", fs=500, output="sos")
    butterworth = {"step": "butterworth", "order": 3, **band}
    fir = {"step": "fir", "taps_s": 0.3, **band}
    pairs = [
        (butterworth, sps.sosfiltfilt(sections, x, axis=1)),
        (butterworth | {"phase": "causal"}, sps.sosfilt(sections, x, axis=1)),
        (butterworth | {"form": "ba"}, sps.filtfilt(b, a, x, axis=1)),
        (butterworth | {"form": "ba", "phase": "causal"}, sps.lfilter(b, a, x, axis=1)),
        (fir, sps.filtfilt(taps, [1.0], x, axis=1)),
        (fir | {"phase": "causal"}, sps.lfilter(taps, [1.0], x, axis=1)),
        (
            {"step": "fir", "kind": "lowpass", "high_hz": 40, "window": "hann"},
            sps.filtfilt(low_taps, [1.0], x, axis=1),
        ),
        ({"step": "notch", "hz": 50}, sps.filtfilt(*notch, x, axis=1)),
        (
            {"step": "butterworth", "kind": "highpass", "low_hz": 0.5},
            sps.sosfiltfilt(high, x, axis=1),
        ),
        ({"step": "running-median", "seconds": 0.4, "edges": "zero"}, x - medians(x, 201)),
        (
            {"step": "running-median", "seconds": [0.2, 0.6], "edges": "zero"},
            x - medians(medians(x, 101), 301),
        ),
    ]
    for step, oracle in pairs:
        found = prepare(record, spec(step, WINDOW)).windows[0]
        np.testing.assert_allclose(found, oracle, atol=2e-5, err_msg=str(step))


def medians(x: np.ndarray, width: int) -> np.ndarray:
    return np.stack([sps.medfilt(row, width) for row in x])


def test_the_spectral_form_agrees_with_sections_away_from_the_ends():
    record = twelve()
    band = {"step": "butterworth", "low_hz": 0.67, "high_hz": 40, "order": 2}
    a = prepare(record, spec(band, WINDOW)).windows
    b = prepare(record, spec(band | {"form": "spectral"}, WINDOW)).windows
    np.testing.assert_allclose(a[..., 1500:3500], b[..., 1500:3500], atol=2e-3)


def test_a_filter_before_and_after_resampling_differs():
    record = twelve()
    steps = [{"step": "butterworth", "kind": "lowpass", "high_hz": 30}, {"step": "resample"}]
    a = prepare(record, spec(*steps, WINDOW, fs=100)).windows
    b = prepare(record, spec(*steps[::-1], WINDOW, fs=100)).windows
    assert np.abs(a - b).max() > 1e-3


def test_a_recording_too_short_for_a_filter_is_refused():
    with pytest.raises(SignalError, match="needs more than"):
        steps = ({"step": "fir", "low_hz": 0.5, "high_hz": 40}, WINDOW)
        prepare(Record(signal=noise(12, 300), fs=500, leads=STANDARD_12), spec(*steps))


# values


def test_normalisations_are_their_formulas():
    record = twelve()
    x = record.signal.astype(float)
    for over, axis in (("lead", 1), ("all", None)):
        keep = {"axis": axis, "keepdims": True}
        mean, sd, least, most = x.mean(**keep), x.std(**keep), x.min(**keep), x.max(**keep)
        quartiles = np.percentile(x, [25, 50, 75], **keep)
        pairs = [
            ({"step": "z-score", "epsilon": 0.01}, (x - mean) / (sd + 0.01)),
            ({"step": "z-score", "epsilon": 9, "epsilon_use": "floor"}, (x - mean) / 9),
            ({"step": "min-max", "low": -3, "high": 3}, 6 * (x - least) / (most - least) - 3),
            ({"step": "max-abs"}, x / np.abs(x).max(**keep)),
            ({"step": "robust"}, (x - quartiles[1]) / (quartiles[2] - quartiles[0])),
            ({"step": "remove-mean"}, x - mean),
        ]
        for step, oracle in pairs:
            found = prepare(record, spec(WINDOW, step | {"over": over})).windows[0]
            np.testing.assert_allclose(found, oracle, atol=1e-5, err_msg=f"{step} {over}")


def test_scale_clip_and_unit_are_theirs():
    steps = ({"step": "scale", "factor": 2, "offset": 1}, {"step": "clip", "low": 0, "high": 3})
    record = single(np.linspace(-2, 2, 100))
    np.testing.assert_allclose(
        prepare(record, one(WINDOW, *steps)).windows[0, 0],
        np.clip(2 * np.linspace(-2, 2, 100) + 1, 0, 3),
        atol=1e-6,
    )
    for unit, factor in (("uV", 1000), ("V", 0.001), ("mV", 1)):
        found = prepare(record, one(unit=unit)).windows
        np.testing.assert_allclose(found, record.signal[None] * factor, rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.3])
def test_a_flat_lead_becomes_zero_not_noise(value):
    for step in ({"step": "z-score"}, {"step": "z-score", "epsilon": 1e-8}, {"step": "robust"}):
        assert not prepare(single(np.full(100, value)), one(WINDOW, step)).windows.round(5).any()


def test_normalising_before_and_after_the_window_differs():
    record = single(np.concatenate([np.zeros(100), np.sin(np.arange(100.0))]))
    before = prepare(record, one({"step": "z-score"}, WINDOW)).windows
    after = prepare(record, one(WINDOW, {"step": "z-score"})).windows
    assert np.abs(before).max() > 0
    assert not after.any()


# gaps


def test_gaps_are_filled_as_told_and_counted():
    x = np.arange(100.0) / 50
    x[40:50] = np.nan
    held = np.delete(np.arange(100.0) / 50, np.arange(40, 50)).mean()
    for method, at_45 in (("interpolate", 0.9), ("zero", 0.0), ("mean", held)):
        prepared = prepare(single(x), one({"step": "fill-gaps", "method": method}, WINDOW))
        assert prepared.windows[0, 0, 45] == pytest.approx(at_45)
        assert prepared.filled.tolist() == [[0.1]]
        assert "10 % of the samples, gaps of up to 0.1 s" in prepared.steps[-2]


def test_gaps_are_refused_where_no_step_fills_them():
    x = np.arange(100.0) / 50
    x[40:50] = np.nan
    low = {"step": "butterworth", "kind": "lowpass", "high_hz": 10}
    for steps in (
        [WINDOW],
        [WINDOW, {"step": "z-score"}],
        [low, WINDOW],
        [{"step": "resample"}, WINDOW],
    ):
        with pytest.raises(
            SignalError, match=r"1[01](\.1)? % of the samples are missing.*fill-gaps"
        ):
            prepare(
                single(x, fs=101 if {"step": "resample"} in steps else 100),
                one(*steps, fs=100, seconds=0.9),
            )
    fill = {"step": "fill-gaps", "longest_s": 0.05}
    with pytest.raises(SignalError, match=r"a gap of 0.1 s.*up to 0.05 s"):
        prepare(single(x), one(fill, WINDOW))


def test_gaps_filled_after_a_normalisation_do_not_enter_it():
    x = np.sin(np.arange(100.0))
    x[:50] = np.nan
    prepared = prepare(
        single(x), one(WINDOW, {"step": "z-score"}, {"step": "fill-gaps", "method": "zero"})
    )
    half = x[50:]
    np.testing.assert_allclose(
        prepared.windows[0, 0, 50:], (half - half.mean()) / half.std(), atol=1e-5
    )
    assert not prepared.windows[0, 0, :50].any()


# windows


@pytest.mark.parametrize(
    ("step", "starts"),
    [
        ({}, [0]),
        ({"take": "centre"}, [75]),
        ({"take": "last"}, [150]),
        ({"take": "all"}, [0, 100, 150]),
        ({"take": "all", "tail": "drop"}, [0, 100]),
        ({"take": "all", "tail": "pad"}, [0, 100, 200]),
        ({"take": "sliding", "step_s": 0.5}, [0, 50, 100, 150]),
        ({"take": "sliding", "step_s": 0.6}, [0, 60, 120, 150]),
        ({"take": "sliding", "step_s": 3, "tail": "pad"}, [0]),
    ],
)
def test_windows_of_a_long_recording(step, starts):
    x = np.arange(250.0) / 100
    prepared = prepare(single(x), one(WINDOW | step))
    assert prepared.covers[:, 0].tolist() == starts
    assert prepared.covers[:, 1].tolist() == [min(start + 100, 250) for start in starts]
    for window, (first, stop), recorded in zip(
        prepared.windows, prepared.covers, prepared.recorded, strict=True
    ):
        np.testing.assert_allclose(window[0, slice(*recorded)], x[first:stop], rtol=1e-6)
        assert not window[0, recorded[1] :].any()


@pytest.mark.parametrize(
    ("short", "side", "wanted"),
    [
        ("zero", "end", [1, 2, 3, 0, 0, 0, 0]),
        ("zero", "start", [0, 0, 0, 0, 1, 2, 3]),
        ("zero", "both", [0, 0, 1, 2, 3, 0, 0]),
        ("edge", "both", [1, 1, 1, 2, 3, 3, 3]),
        ("repeat", "end", [1, 2, 3, 1, 2, 3, 1]),
        ("reflect", "end", [1, 2, 3, 2, 1, 2, 3]),
    ],
)
def test_short_recordings_are_lengthened(short, side, wanted):
    prepared = prepare(
        single([1, 2, 3], fs=1), one(WINDOW | {"short": short, "side": side}, fs=1, seconds=7)
    )
    assert prepared.windows[0, 0].tolist() == wanted
    assert prepared.covers.tolist() == [[0, 3]]
    first = {"end": 0, "start": 4, "both": 2}[side]
    assert prepared.recorded.tolist() == [[first, first + 3]]
    assert prepared.filled.tolist() == [[0.0]]


def test_refusals_about_length_say_what_to_do():
    with pytest.raises(SignalError, match=r"needs 1 s; this record has 0.5 s.*longer"):
        prepare(single(np.ones(50)), one(WINDOW | {"short": "refuse"}))
    with pytest.raises(SignalError, match="needs 1 s; this record has no sample"):
        prepare(single([]), one())
    with pytest.raises(SignalError, match="part by part"):
        prepare(single(np.ones(3000)), one(seconds=1e8))


def test_windows_after_a_change_of_rate_cover_the_samples_they_came_from():
    record = single(np.sin(np.arange(1000.0) / 20), fs=250)
    steps = ({"step": "resample"}, WINDOW | {"take": "sliding", "step_s": 0.5})
    prepared = prepare(record, one(*steps))
    assert prepared.covers.tolist() == [[k, k + 250] for k in range(0, 751, 125)]


# scale


def test_signals_that_lost_their_millivolts_are_refused_where_it_matters():
    x = noise()
    lost = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    record = Record(signal=lost, fs=500, leads=STANDARD_12)
    assert prepare(record, spec(WINDOW, {"step": "z-score"})).source.warnings == ()
    for steps in ([WINDOW], [WINDOW, {"step": "z-score", "over": "all"}]):
        with pytest.raises(UnitError, match=r"normalised.*original file"):
            prepare(record, spec(*steps))
        (doubt,) = prepare(record, spec(*steps), trust_scale=True).source.warnings
        assert "normalised" in doubt


def test_a_unit_a_thousand_off_is_refused_and_a_doubtful_one_is_a_warning():
    with pytest.raises(UnitError, match=r"1000× too large"):
        prepare(Record(signal=noise() * 1000, fs=500, leads=STANDARD_12), spec())
    six = prepare(Record(signal=noise() * 4, fs=500, leads=STANDARD_12), spec())
    assert "too large" in six.source.warnings[0]
    thousand = Record(signal=noise() * 1000, fs=500, leads=STANDARD_12)
    assert prepare(thousand, spec(WINDOW, {"step": "z-score", "over": "all"})).source.warnings == ()


def test_values_beyond_float32_are_refused():
    with pytest.raises(SignalError, match="too large for float32"):
        prepare(single(np.linspace(-1, 1, 100)), one(WINDOW, {"step": "scale", "factor": 1e200}))


# all of it


def test_provenance_is_kept_and_the_recording_is_not_changed():
    record = read(toy_record())
    before = record.signal.copy()
    table = spec({"step": "resample"}, WINDOW, {"step": "z-score"}, fs=100)
    prepared = prepare(record, table)
    np.testing.assert_array_equal(record.signal, before)
    assert prepared.source.parameters["spec"] == table.fingerprint
    assert prepared.source.parameters["origin"] == record.origin
    assert [type(sentence) for sentence in prepared.steps] == [str] * len(prepared.steps)
    np.testing.assert_allclose(prepared.windows.std(axis=2), 1, atol=1e-5)


def test_drawn_recordings_and_specs_are_prepared_or_refused_with_a_sentence():
    rng = np.random.default_rng(1)
    steps = [
        {"step": "fill-gaps"}, {"step": "resample"}, {"step": "resample", "method": "fourier"},
        {"step": "resample", "method": "linear"}, {"step": "notch", "hz": 50},
        {"step": "butterworth", "low_hz": 0.5, "high_hz": 40}, {"step": "z-score"},
        {"step": "min-max", "over": "all"}, {"step": "running-median", "seconds": 0.2},
        {"step": "fir", "kind": "lowpass", "high_hz": 30}, {"step": "robust"},
    ]  # fmt: skip
    shorts = ["zero", "nan", "edge", "repeat", "reflect", "refuse"]
    counts = {True: 0, False: 0}
    for _ in range(400):
        n_leads, n_samples = int(rng.integers(0, 13)), int(rng.choice([0, 1, 2, 7, 90, 400, 3000]))
        signal = rng.normal(size=(n_leads, n_samples)) * 0.3
        signal[rng.random(signal.shape) < rng.choice([0, 0, 0.01])] = np.nan
        order = rng.permutation(12)[:n_leads]
        fs = float(rng.choice([1, 50, 99.5, 128, 257, 500, 5000]))
        record = Record(signal=signal, fs=fs, leads=tuple(STANDARD_12[k] for k in order))
        chosen = [steps[k] for k in rng.permutation(len(steps))[: rng.integers(0, 5)]]
        take = str(rng.choice(["first", "centre", "last", "all"]))
        window = WINDOW | {"take": take, "short": str(rng.choice(shorts))}
        chosen.insert(int(rng.integers(0, len(chosen) + 1)), window)
        missing = str(rng.choice(["refuse", "zero", "zero-first"]))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                table = spec(
                    *chosen, fs=float(rng.choice([100, 250])), seconds=2, missing_leads=missing
                )
                prepared = prepare(record, table)
        except PrecordiaError:
            counts[False] += 1
        else:
            assert np.isfinite(prepared.windows).all()
            assert prepared.windows.shape[1:] == (12, table.n_samples)
            assert (prepared.covers >= 0).all()
            assert (prepared.covers <= n_samples).all()
            counts[True] += 1
    assert min(counts.values()) > 30


@pytest.mark.skipif("CHECK_SHAPES" in os.environ, reason="shapes are checked, which takes time")
def test_ten_seconds_are_prepared_within_a_few_milliseconds():
    record = twelve()
    for fs in (100, 250):
        table = spec({"step": "resample"}, WINDOW, {"step": "z-score"}, fs=fs)
        prepare(record, table)
        best = min(timeit.repeat(lambda t=table: prepare(record, t), number=5, repeat=5)) / 5
        assert best < 0.01  # under one where nothing else runs


def test_a_recording_too_short_to_decimate_is_refused():
    with pytest.raises(SignalError, match="needs more than 27"):
        steps = ({"step": "resample", "fs": 200}, {"step": "decimate", "factor": 2}, WINDOW)
        prepare(single(np.ones(20), fs=200), one(*steps))


def test_an_unstable_filter_is_refused_not_taken_for_missing_samples():
    narrow = {"step": "butterworth", "low_hz": 0.01, "high_hz": 0.02, "order": 12, "form": "ba"}
    with pytest.raises(SignalError, match="unstable at 500 Hz"):
        prepare(twelve(), spec(narrow, WINDOW))
    with pytest.raises(SignalError, match="unstable at 500 Hz"):
        prepare(twelve(), spec({"step": "notch", "hz": 1e-8}, WINDOW))


def test_a_filter_shorter_than_three_samples_is_refused():
    with pytest.raises(SamplingRateError, match="fewer than 3 samples"):
        fir = {"step": "fir", "kind": "lowpass", "high_hz": 1, "taps_s": 0.02}
        prepare(single(np.ones(100)), one(fir, WINDOW))


@pytest.mark.parametrize("name", ["z-score", "robust", "max-abs", "min-max", "remove-mean"])
def test_a_window_that_is_one_gap_stays_one_without_a_warning(name):
    x = np.sin(np.arange(300.0))
    x[100:200] = np.nan
    steps = (WINDOW | {"take": "all"}, {"step": name}, {"step": "fill-gaps", "method": "zero"})
    prepared = prepare(single(x), one(*steps))
    assert not prepared.windows[1].any()
    assert prepared.filled.tolist() == [[0.0], [1.0], [0.0]]


def test_rates_and_lengths_beyond_reason_are_refused_before_memory_is_taken():
    up = {"step": "resample", "method": "polyphase"}
    with pytest.raises(SamplingRateError, match="factor between"):
        prepare(single(np.ones(50), fs=1e-4), one(up, WINDOW))
    with pytest.raises(SignalError, match="part by part"):
        prepare(single(np.ones(1_000_000), fs=100), one(up, WINDOW, fs=500_000))
    with pytest.raises(SignalError, match="holds no sample"):
        prepare(single(np.ones(50), fs=0.02), one(WINDOW, up, fs=100))
    with pytest.raises(SignalError, match="needs more than 100"):
        prepare(single(np.ones(50)), one({"step": "running-median", "seconds": 1}, WINDOW))
    with pytest.raises(SignalError, match="running median of 30001"):
        slow = {"step": "running-median", "seconds": 300}
        prepare(single(np.ones(40_000)), one(slow, WINDOW))
