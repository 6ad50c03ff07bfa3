# SPDX-License-Identifier: Apache-2.0
"""What each method promises of itself."""

import itertools

import numpy as np
import pytest
from scipy.stats import norm

from precordia.core.record import Record
from precordia.delineation.rpeaks import detect_rpeaks
from precordia.generation.simulate import simulate
from precordia.tokens.chain import chain
from precordia.tokens.principal import principal_components, share_bits
from precordia.tokens.saved import load_tokenizer
from precordia.tokens.strip import cut_strip
from precordia.tokens.tokenizers import make_tokenizer


@pytest.fixture(scope="module")
def records():
    return [simulate(seconds=10, seed=seed) for seed in range(3)]


@pytest.fixture(scope="module")
def waves():
    rng = np.random.default_rng(0)
    signal = np.cumsum(rng.normal(size=(1, 1000)), axis=1)
    return Record(signal=signal, fs=100, leads=("II",))


# ---- ABBA ----


def test_end_values_and_lengths_of_abba_are_within_the_radius_of_a_group(waves):
    abba = make_tokenizer("abba", alpha=0.2).fit([waves])
    strip = (waves.signal[0] - waves.signal[0].mean()) / waves.signal[0].std()
    pieces = abba.pieces(strip)
    near = np.abs(pieces[:, None] - abba.centres[None]) / abba.spread
    best = np.sqrt((near**2).sum(axis=2)).min(axis=1)
    assert best.max() <= 0.2 + 0.02  # the gain is rounded, so the strip is a little another


def test_times_of_abba_do_not_drift(records):
    abba = load_tokenizer("abba")
    for record in records:
        back = abba.decode(abba.encode(record))
        there, found = detect_rpeaks(record), detect_rpeaks(back)
        assert len(there) == len(found)
        assert np.abs(there - found).max() * 1000 / record.fs <= 20


def test_the_fixed_chain_does_not_drift_and_increments_do(records):
    lost = {}
    for end in ("value", "increment"):
        abba = make_tokenizer("abba", tolerance=0.2, symbols=64, end=end).fit(records)
        lost[end] = abba.distortion(records[0]).prd_percent
    assert lost["value"] < 0.5 * lost["increment"]


def test_with_a_codebook_of_every_line_abba_is_the_chain(waves):
    abba = make_tokenizer("abba", tolerance=0.3, alpha=1e-9).fit([waves])
    corners = chain(
        (waves.signal[0] - waves.signal[0].mean()) / waves.signal[0].std(),
        tolerance=0.3,
        longest=100,
    )
    back = abba.decode(abba.encode(waves))
    line = np.interp(np.arange(1000), corners, waves.signal[0][corners])
    assert np.abs(back.signal[0] - line).max() < 0.02 * waves.signal[0].std()


def plain_abba(abba, x):
    """The definition, word for word: the nearest symbol from where decoding has arrived."""
    corners = chain(x, tolerance=abba.tolerance, longest=abba.longest).tolist()
    pairs = abba.centres.tolist()
    wide, high = abba.spread.tolist()
    symbols, starts, arrived = [], [], 0
    if abba.end == "value":
        symbols.append(min(range(len(pairs)), key=lambda k: abs(pairs[k][1] - x[0])))
        starts.append(0)
    for before, end in itertools.pairwise(corners):
        if arrived >= len(x) - 1:
            break
        told = x[end] if abba.end == "value" else x[end] - x[before]
        symbol = min(
            range(len(pairs)),
            key=lambda k: (
                ((pairs[k][0] - (end - arrived)) / wide) ** 2 + ((pairs[k][1] - told) / high) ** 2
            ),
        )
        symbols.append(symbol)
        starts.append(arrived)
        arrived += max(round(pairs[symbol][0]), 1)
    return symbols, starts


@pytest.mark.parametrize("end", ["value", "increment"])
def test_symbols_of_abba_are_those_of_the_definition(records, waves, end):
    abba = make_tokenizer("abba", tolerance=0.2, alpha=0.2, end=end).fit([*records, waves])
    for record in (records[0], waves):
        strip = cut_strip(record, abba.fs, abba.scaling)
        tokens = abba.encode(record)
        for k in (0, record.n_leads - 1):
            symbols, starts = plain_abba(abba, strip.signal[k])
            assert tokens.symbols[tokens.lead == k].tolist() == symbols
            assert tokens.times[tokens.lead == k].tolist() == [s / abba.fs for s in starts]


def test_a_line_longer_than_any_symbol_has_the_nearest(records):
    abba = make_tokenizer("abba", longest_s=0.05).fit(records)
    abba.longest = 200  # two seconds, while no symbol is longer than 50 ms
    flat = Record(signal=np.r_[np.zeros(600), np.ones(600)][None], fs=100, leads=("II",))
    strip = cut_strip(flat, abba.fs, abba.scaling)
    tokens = abba.encode(flat)
    assert tokens.symbols.tolist() == plain_abba(abba, strip.signal[0])[0]
    assert len(tokens) >= 6


# ---- SAX ----


def test_letters_of_sax_are_those_of_the_definition(waves):
    sax = make_tokenizer("sax", frame=10, letters=7).fit([waves])
    z = (waves.signal[0] - waves.signal[0].mean()) / waves.signal[0].std()
    means = z.reshape(100, 10).mean(axis=1)
    letters = [sum(mean > norm.ppf(k / 7) for k in range(1, 7)) for mean in means]
    # The deviation is rounded to 0.8 %, so a mean at an edge may fall beside it.
    assert (sax.encode(waves).symbols == letters).mean() > 0.97


# ---- residual vector quantisation ----


def test_every_stage_lowers_the_error_of_unseen_patches(records):
    rvq = make_tokenizer("rvq", stages=5, codebook=16).fit(records[:2])
    patches = np.random.default_rng(1).normal(size=(500, 16)) * 2
    before = np.inf
    words = rvq.quantise(patches)
    for stages in range(1, 6):
        said = sum(rvq.words[s][words[:, s]] for s in range(stages))
        error = ((patches - said) ** 2).sum(axis=1)
        assert (error <= before + 1e-9).all()
        before = error


def test_more_stages_are_never_worse_than_one_of_the_same_codebook(records):
    one = make_tokenizer("rvq", stages=1, codebook=16).fit(records[:2])
    more = make_tokenizer("rvq", stages=4, codebook=16).fit(records[:2])
    assert np.allclose(one.words[0], more.words[0])
    lost = [t.distortion(records[2]).rmse_mv for t in (one, *map(more.with_stages, (2, 3, 4)))]
    assert lost == sorted(lost, reverse=True)
    assert lost[-1] < 0.8 * lost[0]


def test_the_first_words_are_the_nearest(records):
    rvq = load_tokenizer("rvq")
    patches = np.random.default_rng(2).normal(size=(50, 16))
    far = ((patches[:, None] - rvq.words[0][None]) ** 2).sum(axis=2)
    assert (rvq.quantise(patches)[:, 0] == far.argmin(axis=1)).all()


# ---- principal components ----


def test_components_are_those_of_another_library():
    PCA = pytest.importorskip("sklearn.decomposition").PCA
    patches = np.random.default_rng(0).normal(size=(300, 6)) @ np.diag([5, 4, 3, 2, 1, 0.5])
    _, rows, variance = principal_components(patches)
    theirs = PCA().fit(patches)
    assert np.allclose(np.abs(rows), np.abs(theirs.components_), atol=1e-8)
    assert np.allclose(variance, theirs.explained_variance_ * 299 / 300)


@pytest.mark.parametrize("bits", [0, 1, 4, 6])
def test_bits_are_shared_as_well_as_can_be(bits):
    variance = np.array([9.0, 4.0, 2.5, 0.3])
    every = (b for b in itertools.product(range(bits + 1), repeat=4) if sum(b) == bits)
    least = min(sum(variance / 4.0 ** np.array(b)) for b in every)
    share = share_bits(variance, bits)
    assert share.sum() == bits
    assert sum(variance / 4.0**share) == pytest.approx(least)


# ---- beats ----


def test_beats_come_back_where_they_were(records):
    beats = load_tokenizer("beats")
    for record in records:
        lost = beats.distortion(record)
        assert lost.n_lost == 0
        assert lost.rpeak_ms < 10


def test_a_long_pause_takes_several_waits():
    t = np.arange(10000) / 500
    signal = sum(np.exp(-0.5 * ((t - at) / 0.012) ** 2) for at in (1, 2, 3, 11, 12, 13))
    record = Record(signal=signal[None], fs=500, leads=("II",))
    beats = load_tokenizer("beats")
    found = detect_rpeaks(beats.decode(beats.encode(record)))
    assert np.allclose(found / 500, [1, 2, 3, 11, 12, 13], atol=0.02)


def test_where_nothing_beats_there_is_no_event():
    record = Record(signal=np.zeros((1, 5000)), fs=500, leads=("II",))
    assert len(load_tokenizer("beats").encode(record)) == 0


# ---- recordings of patients ----


def test_on_recorded_ecgs_each_method_beats_its_control(shared_data):
    from precordia.datasets.dataset import load_dataset

    items = load_dataset("ptbxl", shared_data / "ptbxl", task="all")
    test = [i.read() for i in items if str(i.fold) == "9"][:48:8]
    abba, rvq = load_tokenizer("abba"), load_tokenizer("rvq").with_stages(2)
    said = [abba.encode(record) for record in test]
    each = np.mean([len(s) / 12 for s in said])
    sax = make_tokenizer("sax", frame=round(1000 / each), letters=abba.n_symbols).fit(test)

    def lost(tokenizer):
        return np.mean([tokenizer.distortion(record).prd_percent for record in test])

    assert lost(abba) < 0.7 * lost(sax)  # equal length, and SAX saw the test recordings
    pca = make_tokenizer("pca", bits=16).fit(test)
    assert lost(rvq) < lost(pca)  # equal rate, and so did the principal components
