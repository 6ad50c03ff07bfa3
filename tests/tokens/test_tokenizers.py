# SPDX-License-Identifier: Apache-2.0
"""What holds for every tokenizer."""

import dataclasses

import numpy as np
import pytest

from precordia.core.errors import (
    MissingFileError,
    OptionError,
    OutputError,
    SamplingRateError,
    SignalError,
    UnknownNameError,
    WeightsError,
)
from precordia.core.record import Record
from precordia.core.tokens import Tokens
from precordia.datasets.toy import toy_record
from precordia.generation.simulate import simulate
from precordia.io.read import read
from precordia.signal.resample import resample
from precordia.tokens.gain import HIGHEST_MV, LOWEST_MV, SCALE_BITS
from precordia.tokens.saved import load_tokenizer
from precordia.tokens.tokenizers import list_tokenizers, make_tokenizer

NAMES = list_tokenizers()
SMALL = {
    "abba": {"alpha": 0.3},
    "ecg-byte": {"merges": 40},
    "rvq": {"codebook": 16, "stages": 2},
    "beats": {"shapes": 12},
}


@pytest.fixture(scope="module")
def record():
    whole = read(toy_record())
    return dataclasses.replace(whole, signal=whole.signal[:4], leads=whole.leads[:4])


@pytest.fixture(scope="module")
def fitted(record):
    other = simulate(seconds=10, seed=3)
    return {
        name: make_tokenizer(name, **SMALL.get(name, {})).fit([record, other]) for name in NAMES
    }


@pytest.fixture(scope="module", params=NAMES)
def shipped(request):
    return load_tokenizer(request.param)


def test_tokens_are_of_the_vocabulary_and_lie_in_time(shipped, record):
    tokens = shipped.encode(record)
    assert len(tokens) > 10
    assert 0 <= tokens.symbols.min() <= tokens.symbols.max() < shipped.n_symbols
    assert (tokens.times >= 0).all()
    assert (tokens.times <= record.duration_s).all()
    for k in range(record.n_leads):
        assert (np.diff(tokens.times[tokens.lead == k]) >= 0).all()
        assert (tokens.lead == k).any()


def test_the_recording_comes_back_on_its_own_clock_in_millivolts(shipped, record):
    back = shipped.decode(shipped.encode(record))
    assert back.leads == record.leads
    assert back.fs == record.fs
    assert back.signal.shape == record.signal.shape
    assert back.origin == "estimated"
    rough = shipped.name in ("sax", "fsq")  # few bits: a symbol for 50 and for 160 ms
    like, least = (0.4, 0.3) if rough else (0.8, 0.6)
    for told, came in zip(record.signal, back.signal, strict=True):
        assert np.corrcoef(told, came)[0, 1] > like
        assert least < came.std() / told.std() < 1.1


def test_a_recording_k_codes_larger_has_the_same_symbols_and_comes_back_larger(shipped, record):
    flat = dataclasses.replace(record, signal=record.signal - record.signal.mean(axis=1)[:, None])
    first = shipped.encode(flat)
    factor = (HIGHEST_MV / LOWEST_MV) ** (64 / (2**SCALE_BITS - 1))
    larger = shipped.encode(dataclasses.replace(flat, signal=flat.signal * factor))
    if shipped.scaling == "deviation" and shipped.name != "beats":
        assert (np.diff(np.stack([first.gain, larger.gain]), axis=0)[0, :, 0] == 64).all()
        assert (first.symbols == larger.symbols).mean() > 0.99
    ratio = shipped.decode(larger).signal.std() / shipped.decode(first).signal.std()
    assert ratio == pytest.approx(factor, rel=0.02)


def test_what_is_missing_stays_missing(shipped, record):
    holes = record.signal.copy()
    holes[0, 500:900] = np.nan
    holes[2] = np.nan
    back = shipped.decode(shipped.encode(dataclasses.replace(record, signal=holes)))
    assert (np.isnan(back.signal) == np.isnan(holes)).all()


@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_shortest_recordings_come_back(shipped, n):
    tiny = Record(signal=np.linspace(0, 1, n)[None], fs=250, leads=("II",))
    back = shipped.decode(shipped.encode(tiny))
    assert back.signal.shape == (1, n)
    assert np.isfinite(back.signal).all()


def test_a_flat_lead_comes_back_flat_where_it_was(shipped):
    flat = Record(signal=np.full((2, 2000), 1.5), fs=200, leads=("I", "II"))
    back = shipped.decode(shipped.encode(flat))
    assert np.abs(back.signal - 1.5).max() < 0.01


def test_a_recording_without_any_signal_has_no_tokens_and_stays_without(shipped):
    nothing = Record(signal=np.full((2, 1000), np.nan), fs=100, leads=("I", "II"))
    tokens = shipped.encode(nothing)
    assert len(tokens) == 0
    assert np.isnan(shipped.decode(tokens).signal).all()
    assert np.isnan(shipped.distortion(nothing).prd_percent)


def test_amplitudes_beyond_all_codes_are_refused(shipped, record):
    counts = dataclasses.replace(record, signal=record.signal * 1e6)  # a file read in a wrong unit
    with pytest.raises(SignalError, match="Check the unit"):
        shipped.encode(counts)


@pytest.mark.parametrize("fs", [50, 128.7, 1000])
def test_recordings_of_other_rates_come_back_at_theirs(shipped, record, fs):
    signal = resample(record.signal.astype(float), record.fs, fs)
    other = Record(signal=signal, fs=fs, leads=record.leads)
    back = shipped.decode(shipped.encode(other))
    assert (back.fs, back.signal.shape) == (fs, signal.shape)
    here = shipped.distortion(record).prd_percent
    assert shipped.distortion(other, back).prd_percent < here + 5


def test_a_single_lead_has_the_tokens_that_it_has_among_others(shipped, record):
    alone = dataclasses.replace(record, signal=record.signal[1:2], leads=record.leads[1:2])
    if shipped.scaling != "deviation" or shipped.name == "beats":
        assert len(shipped.encode(alone)) > 10  # range and beats are those of all leads together
        return
    whole, one = shipped.encode(record), shipped.encode(alone)
    assert (whole.symbols[whole.lead == 1] == one.symbols).all()
    assert (whole.gain[1] == one.gain[0]).all()


def test_a_recording_without_leads_is_refused(shipped):
    with pytest.raises(SignalError, match="at least one"):
        shipped.encode(Record(signal=np.zeros((0, 10)), fs=100, leads=()))


def test_rates_count_what_must_be_said(shipped, record):
    tokens = shipped.encode(record)
    sizes = np.repeat(shipped.streams, shipped.streams)
    said = sum(float(np.log2(sizes[s])) for s in tokens.symbols.tolist())
    extra = record.n_leads * (26 + (16 if shipped.counted else 0))
    assert shipped.rate(tokens) == pytest.approx((said + extra) / 10 / record.n_leads)
    with pytest.raises(OptionError, match="fixed"):
        shipped.rate(tokens, coding="zip")


def test_tokens_go_to_json_and_back(shipped, record):
    tokens = shipped.encode(record)
    again = Tokens.from_json(tokens.to_json())
    assert (shipped.decode(again).signal == shipped.decode(tokens).signal).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_tokenizer_says_the_same(name, fitted, record, tmp_path):
    before = fitted[name]
    path = before.save(tmp_path / "mine.npz")
    after = load_tokenizer(path)
    assert after.options == before.options
    one, two = before.encode(record), after.encode(record)
    assert (one.symbols == two.symbols).all()
    assert (before.decode(one).signal == after.decode(two).signal).all()
    assert after.rate(two, coding="entropy") == pytest.approx(before.rate(one, coding="entropy"))
    with pytest.raises(OutputError, match="exists"):
        before.save(path)


@pytest.mark.parametrize("name", NAMES)
def test_fitting_is_repeatable_and_an_ideal_coder_is_no_dearer_on_what_was_fitted(
    name, fitted, record
):
    again = make_tokenizer(name, **SMALL.get(name, {})).fit([record, simulate(seconds=10, seed=3)])
    tokens = fitted[name].encode(record)
    assert (again.encode(record).symbols == tokens.symbols).all()
    assert again.rate(tokens, coding="entropy") < 1.02 * again.rate(tokens)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_codebook_there_are_no_symbols(name, record):
    with pytest.raises(WeightsError, match="no codebook"):
        make_tokenizer(name).encode(record)


def test_tokens_of_another_tokenizer_are_refused(fitted, record):
    with pytest.raises(OptionError, match="'sax'"):
        fitted["rvq"].decode(fitted["sax"].encode(record))
    with pytest.raises(OptionError, match="symbols"):
        load_tokenizer("rvq").decode(fitted["rvq"].encode(record))


def test_mistakes_are_named(tmp_path):
    with pytest.raises(UnknownNameError, match="'abba'"):
        make_tokenizer("aba")
    with pytest.raises(UnknownNameError, match="'stages'"):
        make_tokenizer("rvq", stage=3)
    with pytest.raises(UnknownNameError, match="'beats'"):
        load_tokenizer("beat")
    with pytest.raises(MissingFileError, match="no file"):
        load_tokenizer(tmp_path / "none.npz")
    with pytest.raises(SamplingRateError, match="20 to 5000"):
        make_tokenizer("sax", fs=0)
    with pytest.raises(SignalError, match="no recording"):
        make_tokenizer("sax").fit([])
    for name, wrong in (
        ("abba", {"tolerance": 0}),
        ("abba", {"end": "start"}),
        ("rvq", {"stages": 0}),
        ("fsq", {"levels": (1, 2)}),
        ("fsq", {"levels": (1024, 1025)}),
        ("pca", {"bits": 0}),
        ("sax", {"letters": 1}),
        ("ecg-byte", {"merges": -1}),
        ("beats", {"step_ms": 0}),
    ):
        with pytest.raises(OptionError, match=r"needed|Choose"):
            make_tokenizer(name, **wrong)


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 broken"])
def test_a_damaged_file_is_a_sentence(content, tmp_path):
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="no tokenizer") as said:
        load_tokenizer(path)
    assert "unsafely" not in str(said.value)  # what NumPy advises


def test_a_file_with_pickled_objects_is_refused(tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, about=np.array([{"tokenizer": "sax"}], dtype=object))
    with pytest.raises(WeightsError, match="no tokenizer"):
        load_tokenizer(path)
