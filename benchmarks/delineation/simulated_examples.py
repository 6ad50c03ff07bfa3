# SPDX-License-Identifier: Apache-2.0
"""Simulated recordings for the delineation network: which waves there are, not where they end.

A simulated wave ends where its function is zero; experts mark some ms beside that. So the
neighbourhood of every bound is left out (rows of kind IGNORE), and what is learned is that a P wave
is there after a long PR, before a wide QRS, in block, in fast hearts, and that there is none in
fibrillation, whatever the QRS looks like.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from precordia.core.errors import OptionError
from precordia.generation.population import draw_scenario
from precordia.generation.scenario import Scenario
from precordia.generation.scenarios import SCENARIOS, find_scenario
from precordia.generation.simulate import simulate

P, QRS, T, IGNORE = range(4)
FS = 500.0
#: ms left out around onset and offset of each kind; the expert marks earlier on the left
BESIDE_MS = {P: ((-26, 14), (-14, 18)), QRS: ((-20, 6), (-6, 18)), T: ((-32, 32), (-32, 32))}
_HARD = (
    "first-degree-block",
    "mobitz-1",
    "mobitz-2",
    "third-degree-block",
    "sinus-tachycardia",
    "paced-dual",
    "left-bundle-block",
    "right-bundle-block",
    "pre-excitation",
    "sinus",
)
_WITHOUT_P = (
    "atrial-fibrillation",
    "atrial-fibrillation",
    "atrial-flutter",
    "atrial-flutter",
    "atrial-flutter-variable",
    "junctional-rhythm",
    "paced-ventricular",
)
_WIDE = ("left-bundle-block", "right-bundle-block", "paced-ventricular", "pre-excitation")


def draw_simulated(count: int, seed: int) -> list[tuple[np.ndarray, list[np.ndarray], bool]]:
    """Recordings of 10 s and the waves of each lead (kind, onset, peak, offset at 500 Hz)."""
    rng = np.random.default_rng(seed)
    out = []
    while len(out) < count:
        scenario = hard_scenario(rng)
        try:
            record = simulate(
                scenario,
                seconds=12.0,
                respiration_percent=float(rng.uniform(0, 15)),
                seed=int(rng.integers(2**31)),
            )
        except OptionError:  # intervals drawn that do not fit into each other
            continue
        first = int(FS)  # beats that the record cuts are not listed: they go
        waves = [waves_of(record, lead, first) for lead in record.leads]
        out.append((record.signal[:, first : first + 5000].astype(np.float32), waves, True))
    return out


def hard_scenario(rng: np.random.Generator) -> Scenario:
    """More than half where P waves are easily missed, a quarter without P, the rest anything."""
    draw = rng.random()
    if draw < 0.28:
        scenario = draw_scenario(rng, name=str(rng.choice(_WITHOUT_P)))
        if rng.random() < 0.5:
            wide = draw_scenario(rng, name=str(rng.choice(_WIDE)))
            scenario = replace(scenario, beat=wide.beat, pacing=wide.pacing and "ventricle")
        return scenario
    if draw > 0.85:
        return draw_scenario(rng, name=str(rng.choice(list(SCENARIOS))))
    name = str(rng.choice(_HARD))
    scenario = draw_scenario(rng, name=name)
    if rng.random() < 0.6:
        changed = {"pr_ms": float(rng.uniform(110, 360))}
        if name in ("sinus", "first-degree-block") and rng.random() < 0.4:
            wide = draw_scenario(rng, name=str(rng.choice(_WIDE[:2])))
            changed["beat"] = wide.beat
        if name not in ("mobitz-1", "mobitz-2", "third-degree-block"):
            changed["heart_rate_bpm"] = float(np.exp(rng.uniform(np.log(38), np.log(165))))
        beat = changed.get("beat", scenario.beat)
        qrs_ms = float(np.clip(beat.qrs_ms * rng.uniform(0.85, 1.4), 70, 190))
        changed["beat"] = replace(beat, qrs_ms=qrs_ms, qt_ms=None)
        scenario = replace(scenario, **changed)
    named = find_scenario(name)
    if named.rr_sd_ms and rng.random() < 0.3:
        scenario = replace(scenario, rr_sd_ms=0.0)
    return scenario


def waves_of(record, lead: str, first: int) -> np.ndarray:
    """The waves of one lead: cut where they run into each other, left out where nobody could tell.

    A P on the falling T begins where the T ends; a P on the rest of a T, or mostly in a QRS, is
    neither there nor absent; so is a wave too small to be seen in this lead.
    """
    truth, mine = record.carried.fiducials, record.carried.fiducials.leads[lead]
    signal = record.signal[record.leads.index(lead)]
    rows, ignored = [], []
    for c, kind in ((P, "p"), (QRS, "qrs"), (T, "t")):
        onset, offset = getattr(mine, f"{kind}_onset"), getattr(mine, f"{kind}_offset")
        all_on, all_off = getattr(truth, f"{kind}_onset"), getattr(truth, f"{kind}_offset")
        for a, b, whole_a, whole_b in zip(onset, offset, all_on, all_off, strict=True):
            if np.isnan(whole_a) or np.isnan(whole_b):
                continue
            if np.isnan(a) or np.isnan(b):
                ignored.append((whole_a, whole_b))
                continue
            part = signal[int(a) : int(b) + 1]
            line = np.linspace(part[0], part[-1], part.size)
            peak = int(a) + int(np.argmax(np.abs(part - line)))
            rows.append([c, a, min(max(peak, a + 1), b - 1), b])
    rows.sort(key=lambda row: row[2])
    for row, then in pairwise(rows):
        if row[3] <= then[1]:
            continue
        pair = (row[0], then[0])
        ignored.append((then[1] - 8, row[3] + 8))
        if pair == (T, P) and then[1] < row[2] + 10:
            then[0] = IGNORE
        elif pair in ((P, QRS), (T, QRS)):
            row[3] = then[1]
            if row[0] == P and (row[3] < row[2] + 4 or row[3] - row[1] < 20):
                row[0] = IGNORE
        elif pair == (T, P):
            ignored.pop()
            row[3] = then[1]
        elif pair in ((QRS, P), (QRS, T), (P, T)):
            then[1] = row[3]
            if then[1] > then[2] - 4:
                then[0] = IGNORE
            if pair == (P, T) and row[2] > then[1]:
                row[0] = IGNORE
        else:
            then[0] = IGNORE
    for row in rows:
        if row[0] == IGNORE:
            ignored.append((row[1] - 8, row[3] + 8))
            continue
        for at, (low, high) in zip((row[1], row[3]), BESIDE_MS[row[0]], strict=True):
            ignored.append((at + low * FS / 1000, at + high * FS / 1000))
    rows = [r for r in rows if r[0] != IGNORE and r[3] > r[1] + 2]
    rows += [[IGNORE, a, (a + b) / 2, b] for a, b in ignored if b > a]
    table = np.array(rows, float).reshape(-1, 4)
    table[:, 1:] -= first
    table = table[(table[:, 1] > 0) & (table[:, 3] < 4999)]
    return table[np.argsort(table[:, 2], kind="stable")]
