# SPDX-License-Identifier: Apache-2.0
"""Draw hearts that differ from one another, for training and for stress tests."""

from dataclasses import replace

import numpy as np

from precordia.generation.heart import rate_adapted_qt_ms
from precordia.generation.lobes import Lobe, Wave, turn
from precordia.generation.scenario import BeatShape, Scenario
from precordia.generation.scenarios import SCENARIOS, find_scenario

_SOFTER = 1.3  # mean factor on the powers of the sine that P and T waves rise and fall with


def draw_scenario(seed: int | np.random.Generator, *, name: str | None = None) -> Scenario:
    """Draw a scenario with shapes, axis, rate and intervals of its own.

    What `simulate` makes of one listed scenario always has the same waves. A method trained on it
    would learn those by heart; this varies everything that varies between people.

    Parameters
    ----------
    seed
        Seed or generator.
    name
        Scenario to start from; any of them by default.

    Returns
    -------
    A scenario for `simulate`. Its statements are those of the one it started from: variations keep
    within what the name means for rhythm and conduction, but a normal axis or ST level is not
    guaranteed.

    Raises
    ------
    UnknownNameError
        If there is no scenario of that name.

    Notes
    -----
    *Method.* Rate times a log-normal factor (12 %), QRS 7 %, PR 10 %, P 8 %, QTc 6 %; axis turned
    by 22 degrees and T by 15 (standard deviations); size of QRS 30 %, T 40 %, P 25 %; every lobe
    moved, stretched and turned a little by itself; P and T waves begin and end more softly than the
    listed ones, as recorded ones do (their bounds are as exact, but seen some ms later); a small ST
    deviation. The spreads are round numbers near the spread of healthy adults, not fitted to a
    population.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> simulate(draw_scenario(7, name="right-bundle-block"), seed=7).n_leads
    12
    """
    rng = np.random.default_rng(seed)
    named = find_scenario(name if name is not None else str(rng.choice(list(SCENARIOS))))
    rate = float(np.clip(named.heart_rate_bpm * _factor(rng, 0.12), 25, 220))
    pr = float(np.clip(named.pr_ms * _factor(rng, 0.10), 85, 420))
    p_ms = float(np.clip(named.p_ms * _factor(rng, 0.08), 60, pr - 15))
    qtc = _factor(rng, 0.06)
    atrial = _factor(rng, 0.25)
    return replace(
        named,
        beat=_vary_beat(rng, named.beat, rate, qtc),
        ectopic=None if named.ectopic is None else _vary_beat(rng, named.ectopic, rate, qtc),
        p=tuple(_vary_wave(rng, wave, atrial, 12.0, _SOFTER) for wave in named.p),
        heart_rate_bpm=rate,
        rr_sd_ms=named.rr_sd_ms * _factor(rng, 0.5),
        pr_ms=pr,
        p_ms=p_ms,
    )


def _factor(rng: np.random.Generator, spread: float) -> float:
    """Draw a log-normal factor around one, kept within two and a half spreads."""
    return float(np.exp(np.clip(rng.normal(), -2.5, 2.5) * spread))


def _vary_beat(rng: np.random.Generator, beat: BeatShape, rate: float, qtc: float) -> BeatShape:
    qrs_ms = float(np.clip(beat.qrs_ms * _factor(rng, 0.07), 60, 220))
    longest = 60_000 / rate - 40
    usual = (beat.qt_ms or rate_adapted_qt_ms(rate)) * qtc
    qt_ms = float(np.clip(usual, qrs_ms + 110, max(longest, qrs_ms + 110)))
    return replace(
        beat,
        qrs=_vary_wave(rng, beat.qrs, _factor(rng, 0.30), 22.0),
        t=_vary_wave(rng, beat.t, _factor(rng, 0.40), 15.0, _SOFTER),
        st_mv=tuple(x + rng.normal(0, 0.015) for x in beat.st_mv),  # type: ignore[arg-type]
        qrs_ms=qrs_ms,
        qt_ms=qt_ms if qt_ms <= longest else None,
    )


def _vary_wave(
    rng: np.random.Generator, wave: Wave, size: float, turn_deg: float, softer: float = 1.0
) -> Wave:
    """Change size and axis of the whole wave, and each of its lobes a little."""
    changed = []
    soft = max(softer * _factor(rng, 0.15), 0.9) if softer > 1 else 1.0
    for lobe in wave:
        own = size * _factor(rng, 0.15)
        shift = 0.03 * rng.normal(size=3)
        # the outer ends stay: they are the onset and the offset of the wave
        onset = lobe.onset if lobe.onset == 0 else float(np.clip(lobe.onset + shift[0], 0.01, 0.8))
        offset = lobe.offset if lobe.offset == 1 else float(min(lobe.offset + shift[2], 0.99))
        offset = max(offset, onset + 0.12)
        peak = float(np.clip(lobe.peak + shift[1], onset + 0.05, offset - 0.05))
        changed.append(
            Lobe(
                onset,
                peak,
                offset,
                own * lobe.left,
                own * lobe.down,
                own * (lobe.anterior + 0.03 * abs(lobe.anterior) * rng.normal()),
                soft * lobe.rise * _factor(rng, 0.08),
                soft * lobe.fall * _factor(rng, 0.08),
                lobe.plateau,
            )
        )
    return turn(tuple(changed), float(turn_deg * np.clip(rng.normal(), -2.5, 2.5)))
