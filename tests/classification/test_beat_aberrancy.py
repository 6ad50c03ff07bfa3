# SPDX-License-Identifier: Apache-2.0
"""Wide early beats from the atria are told from ventricular ones, each criterion by itself."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.classification.beat_aberrancy import as_premature
from precordia.classification.beats import describe_beats
from precordia.generation.simulate import simulate

FS, USUAL_S, EARLY_S = 250.0, 0.85, 0.55
RESET_S, COMPENSATED_S = 0.9, 2 * USUAL_S - EARLY_S


def bump(t, centre, width, size):
    """A smooth wave, zero outside of its width."""
    x = (t - centre) / width
    return size * np.where(np.abs(x) < 0.5, np.cos(np.pi * x) ** 2, 0.0)


def beat(t, at, kind):
    """Two leads of QRS and T."""
    out = np.outer([0.25, 0.2], bump(t, at + 0.28, 0.18, 1.0))
    if kind == "ventricular":
        return out + np.outer([-1.0, 1.3], bump(t, at + 0.01, 0.16, 1.0))
    out += np.outer([1.0, 0.6], bump(t, at, 0.07, 1.0))
    out += np.outer([-0.2, -0.1], bump(t, at - 0.035, 0.03, 1.0))
    if kind == "aberrant":
        out += np.outer([-0.9, 1.2], bump(t, at + 0.06, 0.09, 1.0))
    return out


def found(kind, p_before, next_s, early_s=EARLY_S, seconds=62, leads=(0, 1)):
    """Tell which of the odd beats, each sixth, are taken for aberrant, and whether others are."""
    beats, at = [], 0.7
    while at < seconds - 2:
        beats.append((at, 0.16, "usual"))
        at += USUAL_S
        if len(beats) % 7 == 6:
            at += early_s - USUAL_S
            beats.append((at, p_before, kind))
            at += next_s
    t = np.arange(round(seconds * FS)) / FS
    signal = 0.004 * np.random.default_rng(0).standard_normal((2, t.size))
    for at, before, shape in beats:
        signal += beat(t, at, shape)
        if before is not None:
            signal += np.outer([0.15, 0.08], bump(t, at - before, 0.09, 1.0))
    places = np.array([round(at * FS) for at, _, _ in beats])
    told = describe_beats(signal[list(leads)], FS, places).aberrant
    odd = np.arange(len(beats)) % 7 == 6
    assert odd.sum() > 5
    return told[odd], told[~odd]


@pytest.mark.parametrize("leads", [(0, 1), (0,), (1,)])
def test_beats_that_meet_all_criteria_are_aberrant(leads):
    odd, others = found("aberrant", 0.16, RESET_S, leads=leads)
    assert odd.all()
    assert not others.any()


@pytest.mark.parametrize(
    ("kind", "p_before", "next_s", "early_s"),
    [
        ("ventricular", 0.16, RESET_S, EARLY_S),
        ("aberrant", None, RESET_S, EARLY_S),
        ("aberrant", 0.16, COMPENSATED_S, EARLY_S),
        ("aberrant", 0.16, RESET_S, 0.78),
        ("usual", 0.16, RESET_S, EARLY_S),
    ],
    ids=["begins otherwise", "no P wave", "compensatory pause", "hardly early", "not wide"],
)
def test_one_criterion_that_is_not_met_is_enough_against_it(kind, p_before, next_s, early_s):
    odd, others = found(kind, p_before, next_s, early_s)
    assert not odd.any()
    assert not others.any()


@pytest.mark.parametrize(
    "name", ["ventricular-premature", "bigeminy", "couplets", "ventricular-run", "sinus"]
)
def test_simulated_ventricular_beats_are_never_taken_for_aberrant_ones(name):
    record = simulate(name, seconds=90, seed=4, noise="muscle", snr_db=20)
    waves = record.carried.fiducials
    assert waves is not None
    places = waves.r_peak[np.isfinite(waves.r_peak)].round().astype(int)
    for leads in ([1, 6], [1], [6]):
        assert not describe_beats(record.signal[leads], record.fs, places).aberrant.any()


def test_the_shares_still_add_up_and_the_other_beats_stay():
    shares = np.random.default_rng(0).dirichlet(np.ones(4), 20)
    aberrant = np.arange(20) < 5
    new = as_premature(shares, aberrant)
    assert np.array_equal(new[5:], shares[5:])
    assert np.allclose(new.sum(axis=1), 1.0)
    assert not new[:5, 2].any()
