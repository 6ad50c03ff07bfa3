# SPDX-License-Identifier: Apache-2.0
"""The ruler's ruler: what is measured on a simulated ECG against what is true by construction.

The goal is rate within 1/min, intervals within 10 ms and axis within 5 degrees over the whole grid.
Where that is not reached yet the test is an expected failure whose reason says what is seen, and a
floor below it keeps what has been reached.
"""

from itertools import product

import numpy as np
import pytest

from precordia.generation.simulate import simulate

RATES = (40, 60, 80, 100, 120, 150, 180)
PR_MS = (120, 160, 200, 260, 300)
QRS_MS = (80, 100, 120, 160)
QT_MS = (300, 360, 400, 450, 500)
AXES = (-90, -60, -30, 0, 30, 60, 90, 120, 150, 180)
#: cells in which P ends before the next beat needs it and T ends before the next P
GRID = [
    cell
    for cell in product(RATES, PR_MS, QRS_MS, QT_MS)
    if cell[3] >= cell[2] + 100 and cell[1] + cell[3] <= 60_000 / cell[0] - 20
]
LIMITS = {
    "heart_rate_bpm": 1.0,
    "p_ms": 10.0,
    "pr_ms": 10.0,
    "qrs_ms": 10.0,
    "qt_ms": 10.0,
    "qrs_axis_deg": 5.0,
}
PR_REASON = "38 of 40 cells: P onset is marked some 7 ms early, and one P wave in 40 is missed"


def _errors(cell: tuple[int, int, int, int], axis: int, seed: int) -> dict[str, float]:
    from precordia.delineation.delineate import delineate
    from precordia.measurement.measure import measure

    rate, pr, qrs, qt = cell
    record = simulate(
        heart_rate_bpm=rate,
        pr_ms=pr,
        qrs_ms=qrs,
        qt_ms=qt,
        qrs_axis_deg=axis,
        rr_sd_ms=0,
        seed=seed,
    )
    truth = record.carried.measurements
    found = measure(record, delineate(record))
    errors = {name: getattr(found, name) - truth[name] for name in LIMITS}
    errors["qrs_axis_deg"] = (errors["qrs_axis_deg"] + 180) % 360 - 180
    return errors


@pytest.fixture(scope="module")
def recovered() -> dict[str, np.ndarray]:
    """Errors in forty cells spread over the grid, each axis four times."""
    chosen = np.random.default_rng(0).choice(len(GRID), 40, replace=False)
    rows = [_errors(GRID[c], AXES[k % len(AXES)], k) for k, c in enumerate(chosen)]
    return {name: np.array([row[name] for row in rows]) for name in LIMITS}


def _share_within(errors: np.ndarray, limit: float) -> float:
    return float((np.abs(errors) <= limit).mean())  # a number that is absent is not within


@pytest.mark.parametrize(
    "name",
    [
        "heart_rate_bpm",
        "qrs_axis_deg",
        pytest.param("pr_ms", marks=pytest.mark.xfail(reason=PR_REASON)),
        pytest.param(
            "p_ms",
            marks=pytest.mark.xfail(
                reason="two cells of three: P is marked some 6 ms wide, as experts do"
            ),
        ),
        "qrs_ms",
        "qt_ms",
    ],
)
def test_every_cell_is_recovered_within_the_limit(recovered, name):
    assert _share_within(recovered[name], LIMITS[name]) == 1.0


@pytest.mark.parametrize(
    ("name", "limit", "share"),
    [("pr_ms", 10.0, 0.9), ("p_ms", 20.0, 0.9)],
)
def test_most_cells_are_recovered(recovered, name, limit, share):
    assert _share_within(recovered[name], limit) >= share


@pytest.mark.parametrize("name", ["pr_ms", "qrs_ms", "qt_ms"])
def test_what_is_measured_grows_with_what_is_true(name):
    """Half the range is true on one side and half on the other; the order must come out."""
    values = {"pr_ms": (130, 170, 210), "qrs_ms": (80, 110, 150), "qt_ms": (340, 400, 460)}[name]
    from precordia.delineation.delineate import delineate
    from precordia.measurement.measure import measure

    found = []
    for value in values:
        record = simulate(heart_rate_bpm=60, rr_sd_ms=0, seed=1, **{name: value})
        found.append(getattr(measure(record, delineate(record)), name))
    assert (np.diff(found) > 0.4 * np.diff(values)).all()


@pytest.mark.parametrize("rate", [150, 180])
@pytest.mark.parametrize("qrs", [80, 120])
def test_fast_rates_are_counted_right(rate, qrs):
    from precordia.delineation.delineate import delineate
    from precordia.measurement.measure import measure

    record = simulate("supraventricular-tachycardia", heart_rate_bpm=rate, qrs_ms=qrs, seed=1)
    found = measure(record, delineate(record))
    assert found.heart_rate_bpm == pytest.approx(rate, abs=1)


@pytest.mark.parametrize("name", ["atrial-fibrillation", "junctional-rhythm", "paced-ventricular"])
def test_no_pr_interval_is_invented(name):
    from precordia.delineation.delineate import delineate
    from precordia.measurement.measure import measure

    for seed in range(4):
        record = simulate(name, seed=seed)
        assert np.isnan(measure(record, delineate(record)).pr_ms)


@pytest.mark.parametrize("snr_db", [20, 10, 5, 0])
def test_muscle_noise_moves_the_qrs_duration_little(snr_db):
    from precordia.measurement.measure import measure

    records = [simulate(qrs_ms=92, noise="muscle", snr_db=snr_db, seed=seed) for seed in range(3)]
    assert np.median([measure(record).qrs_ms for record in records]) == pytest.approx(92, abs=10)
