# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace

import numpy as np
import pytest

from precordia.cli.main import _exit_code
from precordia.core.embedding import Embedding
from precordia.core.errors import LeadError, OptionError, SignalError, UnknownNameError
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.core.settings import settings
from precordia.embedding.embed import embed
from precordia.embedding.embed_files import embed_files
from precordia.embedding.encode import choose_model
from precordia.embedding.excerpts import cut_excerpts
from precordia.io.write import write
from precordia.models.runtime import load_graph


@pytest.fixture(scope="module")
def model(tiny_graph, tmp_path_factory):
    return tiny_graph.build(tmp_path_factory.mktemp("twelve"))


@pytest.fixture(scope="module")
def any_lead(tiny_graph, tmp_path_factory):
    return tiny_graph.build(tmp_path_factory.mktemp("any"), any_lead=True)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PRECORDIA_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    yield tmp_path / "cache"
    settings.cache_clear()


def record(seconds=10.0, fs=100.0, seed=0, leads=STANDARD_12):
    signal = np.random.default_rng(seed).normal(size=(len(leads), round(seconds * fs)))
    return Record(signal=signal, fs=fs, leads=leads)


def test_the_vector_is_the_mean_over_windows(model):
    r = record(seconds=30)
    e = embed(r, model=model)
    power = (r.signal.reshape(12, 3, 1000) ** 2).mean(axis=2)
    np.testing.assert_allclose(e.windows, power.T, rtol=1e-3)
    np.testing.assert_allclose(e.vector, power.mean(axis=1), rtol=1e-3)
    assert e.covers.tolist() == [[0, 1000], [1000, 2000], [2000, 3000]]
    assert (e.dim, e.model, e.leads) == (12, "tiny", STANDARD_12)


def test_the_last_window_ends_with_the_recording(model):
    assert embed(record(seconds=24), model=model).covers[-1].tolist() == [1400, 2400]


@pytest.mark.parametrize("fs", [100.0, 128.0, 250.0, 257.0, 360.0, 500.0, 977.0, 1000.0])
def test_any_rate_gives_one_window_of_ten_seconds(model, fs):
    time = np.arange(round(10 * fs)) / fs
    r = Record(signal=np.sin(2 * np.pi * 5 * time) * np.ones((12, 1)), fs=fs, leads=STANDARD_12)
    e = embed(r, model=model)
    assert len(e.windows) == 1
    np.testing.assert_allclose(e.vector, 0.5, atol=0.01)


def test_leads_in_any_order_and_derived_ones_give_the_same(model):
    r = record()
    one, two = r.signal[0], r.signal[1]
    limb = np.stack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2])
    whole = replace(r, signal=np.concatenate([limb, r.signal[6:]]))
    order = [11, 1, 6, 0, 7, 9, 8, 10]
    eight = replace(whole, signal=whole.signal[order], leads=tuple(STANDARD_12[k] for k in order))
    a, b = embed(whole, model=model), embed(eight, model=model)
    np.testing.assert_allclose(a.vector, b.vector, rtol=1e-4)


def test_leads_without_a_signal_are_left_out(any_lead):
    r = record()
    signal = r.signal.copy()
    signal[3], signal[4] = np.nan, 2.0
    three = [6, 3, 4]  # V1, and aVR and aVL, which follow from nothing here
    r = replace(r, signal=signal[three], leads=tuple(STANDARD_12[k] for k in three))
    e = embed(r, model=any_lead)
    assert e.leads == ("V1",)
    assert np.flatnonzero(e.vector).tolist() == [6]


def test_the_model_is_chosen_by_the_leads():
    assert choose_model(STANDARD_12) == "precordia-12lead"
    assert choose_model(("I", "II", *STANDARD_12[6:])) == "precordia-12lead"
    for leads in ((), ("II",), STANDARD_12[:6], STANDARD_12[:-1], ("II", *STANDARD_12[6:])):
        assert choose_model(leads) == "precordia-any-lead"


def test_too_short_too_few_leads_or_no_signal_is_told_with_a_remedy(model):
    with pytest.raises(SignalError, match=r"1 s arrived.*at least 2\.5 s"):
        embed(record(seconds=1), model=model)
    with pytest.raises(LeadError, match="Choose a model for these leads"):
        embed(record(leads=("I", "II")), model=model)
    with pytest.raises(LeadError, match="assess"):
        embed(Record(signal=np.zeros((12, 1000)), fs=100, leads=STANDARD_12), model=model)
    with pytest.raises(LeadError, match="assess"):
        embed(Record(signal=np.zeros((12, 0)), fs=100, leads=STANDARD_12), model=model)
    with pytest.raises(UnknownNameError, match="precordia-any-lead"):
        embed(record(), model="any-lead")


def test_a_window_that_cannot_be_prepared_is_left_out_and_told(model):
    r = record(seconds=30)
    signal = r.signal.copy()
    signal[:, 1100:1700] = np.nan  # the graph bridges two seconds
    e = embed(replace(r, signal=signal), model=model)
    assert e.covers[:, 0].tolist() == [0, 2000]
    assert any("1 of 3 windows left out" in text for text in e.source.warnings)


def test_a_long_record_is_spread_evenly(any_lead):
    spec = load_graph(any_lead).spec
    day = Record(signal=np.tile([0.0, 1.0], (1, 1_080_000)), fs=25, leads=("II",))
    covers = cut_excerpts(day, spec).covers
    assert len(covers) == 360
    assert covers[0, 0] == 0
    assert covers[-1, 1] == day.n_samples
    apart = np.diff(covers[:, 0])
    assert apart.max() - apart.min() <= 250


def test_an_embedding_survives_json_and_checks_itself(model):
    e = embed(record(seconds=20), model=model)
    again = Embedding.from_json(e.to_json())
    assert np.array_equal(again.vector, e.vector)
    assert again.covers.tolist() == e.covers.tolist()
    with pytest.raises(SignalError, match="finite"):
        replace(e, vector=np.full(12, np.nan))


def test_an_embedding_of_other_shapes_is_refused(model):
    with pytest.raises(SignalError, match="dim"):
        replace(embed(record(), model=model), vector=np.zeros(11))


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "records"
    place.mkdir()
    for k in range(4):
        write(record(seed=k), place / f"r{k}.npz")
    write(record(leads=("I", "II")), place / "two.npz")
    (place / "broken.dcm").write_bytes(b"no ecg")
    return place


def cli(capsys, *arguments):
    code = _exit_code([str(a) for a in arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_files_are_embedded_once_and_failures_told(folder, model, cache):
    paths = sorted(folder.glob("*.npz"))
    first = list(embed_files(paths, model=model))
    again = list(embed_files(paths, model=model, n_jobs=2))
    assert [m.cached for m in first] == [False] * 5
    assert [m.cached for m in again] == [True] * 4 + [False]
    assert "V1" in first[-1].problem
    for a, b in zip(first[:4], again[:4], strict=True):
        assert a.embedding.to_dict() == b.embedding.to_dict()


def test_the_cache_knows_a_recording_by_its_content(folder, model, cache):
    path = folder / "r0.npz"
    list(embed_files([path], model=model))
    copy = path.rename(folder / "other.npz")
    assert next(embed_files([copy], model=model)).cached
    write(replace(record(seed=0), fs=125.0), copy, overwrite=True)
    assert not next(embed_files([copy], model=model)).cached


def test_a_damaged_cache_is_made_again(folder, model, cache):
    path = folder / "r0.npz"
    vector = next(embed_files([path], model=model)).embedding.vector
    (held,) = cache.rglob("*.npz")
    held.write_bytes(held.read_bytes()[:100])
    made = next(embed_files([path], model=model))
    assert not made.cached
    assert np.array_equal(made.embedding.vector, vector)


@pytest.mark.parametrize("ending", ["npz", "parquet"])
def test_the_command_writes_one_table(folder, model, cache, tmp_path, capsys, ending):
    table = tmp_path / f"vectors.{ending}"
    code, out, err = cli(capsys, "embed", folder, "--model", model, "-o", table, "--json")
    assert err == ""
    told = json.loads(out)
    assert code == 0
    assert (told["embedded"], told["failed"], told["dim"]) == (4, 2, 12)
    if ending == "npz":
        with np.load(table, allow_pickle=False) as held:
            files, vectors = held["path"], held["vector"]
    else:
        import pyarrow.parquet as pq

        rows = pq.read_table(table).to_pydict()
        files, vectors = rows["path"], np.array(rows["vector"])
    assert [str(f)[-6:] for f in files] == [f"r{k}.npz" for k in range(4)]
    wanted = embed(record(seed=2), model=model).vector
    np.testing.assert_allclose(vectors[2], wanted, rtol=1e-4)


@pytest.mark.parametrize("ending", ["npz", "parquet"])
def test_what_makes_a_vector_doubtful_stands_in_the_table(model, cache, tmp_path, capsys, ending):
    place = tmp_path / "doubtful"
    place.mkdir()
    sound = replace(record(seed=0), signal=record(seed=0).signal / 5)
    write(sound, place / "sound.npz")
    write(replace(sound, signal=sound.signal * 1000), place / "volts.npz")
    table = tmp_path / f"v.{ending}"
    for kept in ("made", "from the cache"):  # a caution is not lost on the way
        code, out, err = cli(capsys, "embed", place, "--model", model, "-o", table, "--force")
        assert (code, out[:10]) == (0, "2 embedded"), kept
        assert "volts.npz: caution: The leads span" in err
        assert "sound.npz" not in err
        if ending == "npz":
            with np.load(table, allow_pickle=False) as held:
                cautions, version = held["caution"].tolist(), str(held["version"])
        else:
            import pyarrow.parquet as pq

            rows = pq.read_table(table).to_pydict()
            cautions = [" ".join(said) for said in rows["caution"]]
            version = rows["version"][0]
        assert cautions[0] == ""
        assert "too large" in cautions[1]
        assert version == embed(sound, model=model).source.version
    told = json.loads(
        cli(capsys, "embed", place, "--model", model, "-o", table, "--force", "--json")[1]
    )
    assert [c["file"][-9:] for c in told["cautions"]] == ["volts.npz"]


def test_the_command_prints_one_file(folder, model, capsys):
    code, out, _ = cli(capsys, "embed", folder / "r1.npz", "--model", model, "--json")
    assert code == 0
    assert len(json.loads(out)["vector"]) == 12
    code, out, _ = cli(capsys, "embed", folder / "r1.npz", "--model", model)
    assert "12 numbers of tiny" in out


def test_mistakes_are_sentences(folder, model, cache, tmp_path, capsys):
    table = tmp_path / "vectors.csv"
    code, _, err = cli(capsys, "embed", folder, "--model", model, "-o", table)
    assert (code, "written as .npz or .parquet" in err) == (2, True)
    table = tmp_path / "there.npz"
    table.write_bytes(b"mine")
    code, _, err = cli(capsys, "embed", folder, "--model", model, "-o", table)
    assert (code, "--force" in err, table.read_bytes()) == (2, True, b"mine")
    code, _, err = cli(capsys, "embed", folder / "two.npz", "--model", model)
    assert (code, "V1" in err) == (2, True)
    with pytest.raises(OptionError, match="at least 1"):
        list(embed_files([], model=model, n_jobs=0))
