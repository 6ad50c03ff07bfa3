# SPDX-License-Identifier: Apache-2.0
"""Atrial fibrillation in one or a few leads: a learned, calibrated probability."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float, Int

from precordia.classification.beats import paced_share
from precordia.classification.fibrillation_features import NAMES, fibrillation_features
from precordia.core.cards import Card, read_card
from precordia.core.claims import Claim
from precordia.core.errors import WeightsError
from precordia.core.findings import Abstention, Finding
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.delineation.rpeaks import detect_rpeaks
from precordia.knowledge.statements import find_statement

CODE, STEM = "AFIB", "precordia_af"
SHORTEST_S, FEWEST_BEATS = 8.0, 6
#: longer recordings are judged window by window
WHOLE_S, WINDOW_S = 90.0, 30.0
_LIMIT = 4.0


def judge_fibrillation(
    record: Record,
    *,
    rpeaks: Int[np.ndarray, " beat"] | None = None,
    quality: Quality | None = None,
) -> Finding | Abstention:
    """Judge whether a record shows atrial fibrillation.

    Made for one or two leads (handheld devices, watches, Holter recorders); more leads are used
    together.

    Parameters
    ----------
    record
        The recording, 8 s or longer.
    rpeaks
        Sample index of each beat, ascending; found by `detect_rpeaks` by default.
    quality
        Its quality; where it is not acceptable, nothing is judged.

    Returns
    -------
    A finding with a calibrated probability (``present`` says whether it reaches the threshold), or
    an abstention with the reason.

    Raises
    ------
    WeightsError
        If the weights are not there.

    Notes
    -----
    *Method*, our own: logistic regression on numbers that describe how irregular the intervals are
    (with and without ectopic beats), how much of a P wave the usual beats share, and what goes on
    between the beats; see `precordia.classification.fibrillation_features`. Trained on CinC 2017,
    with episodes of CPSC 2021 and of MIT-BIH DS1 in small weight; ``models/box/precordia_af.toml``
    has the cross-validated scores beside those of the rule. The probability is calibrated for a
    share of fibrillation as in CinC 2017 (a sixth).

    Recordings of more than 90 s are judged in windows of 30 s. Their probability is the highest
    that two neighbouring windows reach both: an episode of about a minute counts, a single odd
    window does not. The claim ``fibrillation_percent`` is the share of windows at the threshold.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> lead = lambda name: simulate(name, seconds=30, seed=2)
    >>> judge_fibrillation(lead("atrial-fibrillation")).present
    True
    >>> judge_fibrillation(lead("sinus")).present
    False
    """
    reason = _unfit(record, quality)
    places = np.zeros(0, np.int64)
    if not reason:
        places = detect_rpeaks(record) if rpeaks is None else np.asarray(rpeaks, np.int64)
        if places.size < FEWEST_BEATS:
            reason = f"needs at least {FEWEST_BEATS} beats; {places.size} were found"
        elif paced_share(record, places, given=rpeaks is not None) > 0.5:
            reason = "most beats are paced"
    statement = find_statement(CODE)
    if reason:
        return Abstention(code=CODE, name=statement.name, reason=reason, method=STEM)
    weights, card = fibrillation_weights()
    probability = _by_window(record, places, weights)
    if not probability.size:
        reason = f"no stretch of {WINDOW_S:g} s holds {FEWEST_BEATS} beats"
        return Abstention(code=CODE, name=statement.name, reason=reason, method=STEM)
    threshold = float(card.details["thresholds"][CODE])
    together = float(_together(probability))
    share = 100.0 * float((probability >= threshold).mean())
    return Finding(
        code=CODE,
        name=statement.name,
        probability=together,
        method=card.name,
        scheme=statement.scheme,
        criterion="learned from intervals, P waves and the activity between beats",
        claims=(
            Claim(measure="fibrillation_percent", value=share, unit="%", text="share of windows"),
        ),
        leads=record.leads,
        codes=statement.codes(),
        calibration="platt",
        present=together >= threshold,
        threshold=threshold,
    )


def _unfit(record: Record, quality: Quality | None) -> str:
    if not record.n_leads or not np.isfinite(record.signal).any():
        return "no signal"
    if record.n_samples < SHORTEST_S * record.fs:
        seconds = record.n_samples / record.fs
        return f"the recording lasts {seconds:.1f} s; {SHORTEST_S:g} s are needed"
    if quality is not None and not quality.acceptable:
        return "the quality is not acceptable"
    return ""


def _by_window(
    record: Record, places: np.ndarray, weights: dict[str, np.ndarray]
) -> Float[np.ndarray, " window"]:
    n, fs = record.n_samples, record.fs
    width = n if n <= WHOLE_S * fs else round(WINDOW_S * fs)
    found = []
    for start in range(0, n - width + 1, width):
        low, high = np.searchsorted(places, [start, start + width])
        if high - low < FEWEST_BEATS:
            continue
        window = record.signal[:, start : start + width]
        found.append(probability_of(window, fs, places[low:high] - start, weights))
    return np.array(found)


def _together(probability: Float[np.ndarray, " window"]) -> float:
    """Return the highest probability that two neighbouring windows both reach."""
    if probability.size == 1:
        return probability[0]
    return np.minimum(probability[1:], probability[:-1]).max()


def probability_of(
    signal: np.ndarray, fs: float, rpeaks: np.ndarray, weights: dict[str, np.ndarray]
) -> float:
    """Return the probability of fibrillation in one stretch.

    Parameters
    ----------
    signal
        Potential, ``(lead, sample)``, mV; gain does not matter.
    fs
        Sampling rate, Hz.
    rpeaks
        Sample index of each beat.
    weights
        From `fibrillation_weights`.

    Returns
    -------
    The calibrated probability.
    """
    x = fibrillation_features(signal, fs, rpeaks)
    x = np.clip((x - weights["mean"]) / weights["sd"], -_LIMIT, _LIMIT)
    logit = float(x @ weights["weight"] + weights["bias"])
    slope, intercept = weights["calibration"]
    return float(1.0 / (1.0 + np.exp(-(slope * logit + intercept))))


@lru_cache(maxsize=1)
def fibrillation_weights() -> tuple[dict[str, np.ndarray], Card]:
    """Load the weights that ship with the package, and their card.

    Raises
    ------
    WeightsError
        If they are not there.
    """
    box = files("precordia.models") / "box"
    try:
        with (box / f"{STEM}.npz").open("rb") as file, np.load(file, allow_pickle=False) as kept:
            weights = {name: kept[name] for name in kept.files}
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"the weights '{STEM}.npz' cannot be read ({error}); fibrillation cannot be judged "
            "without them. Use classify(record, method='rules'), or reinstall the package."
        ) from error
    if weights["mean"].shape != (len(NAMES),):
        raise WeightsError(
            f"'{STEM}.npz' holds {weights['mean'].size} weights; {len(NAMES)} are needed. "
            "Reinstall the package."
        )
    return weights, read_card(box / f"{STEM}.toml")
