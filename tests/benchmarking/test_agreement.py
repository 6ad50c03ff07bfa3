# SPDX-License-Identifier: Apache-2.0
"""Scores agree to the last digit with a scorer that shares no code with the package."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest

from precordia.benchmarking.benchmark import benchmark
from precordia.benchmarking.metrics import auroc, count_hits, jf
from precordia.benchmarking.recordings import list_cinc2011, list_ludb, list_mitdb
from precordia.delineation.delineate import delineate
from precordia.delineation.matching import match
from precordia.delineation.reference_waves import fiducials_of, join_leads
from precordia.delineation.rpeaks import detect_rpeaks

SCORER = Path(__file__).resolve().parents[3] / "shared" / "acceptance" / "scoring.py"
NAMES = {
    f"{w}_{f}": f"{w}_{s}"
    for w in ("p", "qrs", "t")
    for f, s in (("onset", "on"), ("peak", "peak"), ("offset", "off"))
}


@pytest.fixture(scope="module")
def scorer():
    if not SCORER.is_file():
        pytest.skip(f"NO INDEPENDENT SCORER at {SCORER}")
    spec = importlib.util.spec_from_file_location("independent_scoring", SCORER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def placed(scorer, shared_data, monkeypatch):
    """Tell the scorer where the recordings are."""
    pytest.importorskip("wfdb")
    monkeypatch.setattr(scorer, "data", lambda *parts: str(shared_data.joinpath(*parts)))
    return scorer


def test_pairs_agree_on_crowded_lines(scorer):
    draw = np.random.default_rng(11)
    for _ in range(200):
        span = draw.choice([40, 400, 4000])
        reference = np.sort(draw.integers(0, span, draw.integers(0, 60))).astype(float)
        found = np.sort(draw.integers(0, span, draw.integers(0, 60))).astype(float)
        reach = float(draw.integers(1, 60))
        i, j = match(reference, found, reach)
        assert list(zip(i.tolist(), j.tolist(), strict=True)) == scorer.match(
            reference, found, reach
        )


def test_counts_and_jf_agree(scorer):
    draw = np.random.default_rng(12)
    for _ in range(60):
        beats = np.cumsum(draw.integers(90, 400, 50)).astype(float)
        seen = (beats + draw.normal(0, 12, 50))[draw.random(50) < 0.9]
        found = np.concatenate([seen, draw.uniform(0, beats[-1], 5)])
        stretch = [(beats[10] - 20, beats[20] + 20)]
        ours = count_hits(beats, found, 360, window_ms=50, excluded=stretch)
        theirs = scorer.rpeaks(beats, found, 360, 50, exclude=stretch)
        assert (ours.tp, ours.fn, ours.fp) == (theirs["tp"], theirs["fn"], theirs["fp"])
        assert ours.offsets_ms == pytest.approx(theirs["offsets"], abs=1e-12)
        assert jf(beats, found, 360) == pytest.approx(scorer.jf(beats, found, 360), abs=1e-12)


def test_mitdb_references_and_scores_agree(placed, shared_data):
    names = [r.name for r in list_mitdb(shared_data)]
    assert sorted(names) == placed.mitdb_records()
    picked = [r for r in list_mitdb(shared_data) if r.name in ("114", "207")]
    kept, rows = {}, {w: [] for w in (150, 20)}
    for reference in picked:
        signal, fs, beats, flutter = placed.read_mitdb(reference.name)
        assert reference.read().signal[0] == pytest.approx(signal, abs=1e-6)
        assert reference.beats.tolist() == beats.tolist()
        assert list(reference.excluded) == flutter
        found = kept[reference.name] = detect_rpeaks(reference.read())
        for w in rows:
            rows[w].append(
                {
                    **placed.rpeaks(beats, found, fs, w, exclude=flutter),
                    "jf": placed.jf(beats, found, fs, w),
                }
            )
    import precordia.benchmarking.rpeaks as protocol

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "list_mitdb", lambda data: picked)
        scores = benchmark("rpeaks", data=shared_data, method=detect_rpeaks, draws=100)
    for w, given in rows.items():
        theirs = placed.rpeaks_summary(given)
        ends = placed.rpeaks_ci(given, n_boot=100)
        for metric in ("se", "ppv", "f1"):
            row = scores.find(metric, subject=f"{w} ms")
            assert row.value == pytest.approx(100 * theirs["gross"][metric], abs=1e-9)
            assert (row.low / 100, row.high / 100) == pytest.approx(tuple(ends[metric]), abs=1e-9)
            mean = scores.find(metric, subject=f"{w} ms, mean of records")
            assert mean.value == pytest.approx(100 * theirs["average"][metric], abs=1e-9)
        row = scores.find("JF", subject=f"{w} ms, mean of records")
        assert row.value == pytest.approx(theirs["jf_average"], abs=1e-12)
        assert (row.low, row.high) == pytest.approx(tuple(ends["jf_average"]), abs=1e-9)
        row = scores.find("JF", subject=f"{w} ms")
        assert row.value == pytest.approx(theirs["jf_gross"], abs=1e-12)
        row = scores.find("median offset", subject=f"{w} ms")
        assert row.value == pytest.approx(theirs["offset_ms"]["median"], abs=1e-12)


def test_ludb_references_and_scores_agree(placed, shared_data):
    references = list_ludb(shared_data)
    assert sorted((r.name for r in references), key=int) == placed.ludb_records()
    picked = [r for r in references if r.name in ("1", "8", "34", "116", "104", "45")]
    per_record, overall = [], []
    for reference in picked:
        record = reference.read()
        found = delineate(record)
        marked = [placed.read_ludb_truth(reference.name, lead) for lead in placed.LEADS]
        for theirs, ours in zip(marked, reference.leads.values(), strict=True):
            points = placed.waves_to_fiducials(theirs)
            for name, where in NAMES.items():
                mine = fiducials_of(ours)[name]
                assert np.sort(mine[np.isfinite(mine)]).tolist() == points[where].tolist()
        joined = placed.waves_to_fiducials(placed.global_truth(marked, 500, rule="second"))
        mine = fiducials_of(join_leads(list(reference.leads.values()), 500.0))
        for name, where in NAMES.items():
            assert np.sort(mine[name]).tolist() == joined[where].tolist()

        def score(points, waves, n=record.n_samples):
            given = {
                where: getattr(waves, "r_peak" if name == "qrs_peak" else name)
                for name, where in NAMES.items()
            }
            return placed.delineation(points, given, 500.0, n)

        per_record.append(
            [
                score(placed.waves_to_fiducials(m), found.leads[lead])
                for m, lead in zip(marked, reference.leads, strict=True)
            ]
        )
        overall.append(score(joined, found))
    import precordia.benchmarking.delineation as protocol

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "list_ludb", lambda data: picked)
        scores = benchmark("delineation", data=shared_data, method=delineate, draws=100)
    leads = placed.pool_delineation([row for rows in per_record for row in rows])
    everywhere = placed.pool_delineation(overall)
    for name, where in NAMES.items():
        for theirs, suffix in ((leads, ""), (everywhere, ", all leads")):
            for metric in ("se", "ppv", "f1"):
                row = scores.find(metric, subject=name + suffix)
                assert row.value == pytest.approx(100 * theirs[where][metric], abs=1e-9)
            for metric, key in (("mean", "mean_ms"), ("SD", "sd_ms")):
                row = scores.find(metric, subject=name + suffix)
                assert row.value == pytest.approx(theirs[where][key], abs=1e-6)
        for metric, stat, scale in (("f1", "f1", 100), ("SD", "sd_ms", 1)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a draw of records without P waves
                low, high = placed.delineation_ci(per_record, where, stat, n_boot=100)
            row = scores.find(metric, subject=name)
            assert (row.low, row.high) == pytest.approx((scale * low, scale * high), abs=1e-6)


def test_area_under_the_curve_and_its_interval_agree(scorer, shared_data):
    truth = np.array([r.acceptable for r in list_cinc2011(shared_data)])
    assert len(truth) > 600
    draw = np.random.default_rng(5)
    score = np.round(draw.random(len(truth)) + 0.5 * truth, 1)
    from precordia.benchmarking.bootstrap import draw_patients, interval

    theirs = scorer.macro_auroc(truth.astype(int), score, n_boot=200)
    weights = draw_patients([str(k) for k in range(len(truth))], draws=200)
    ends = interval(lambda w: auroc(truth, score, w), weights)
    assert auroc(truth, score)[0] == pytest.approx(theirs["macro"], abs=1e-12)
    assert ends == pytest.approx((theirs["lo"], theirs["hi"]), abs=1e-12)
