# SPDX-License-Identifier: Apache-2.0
"""Calibration: turn the scores of a classifier into probabilities that come true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from precordia.classification.isotonic import fit_isotonic, isotonic_probability
from precordia.classification.patient_folds import patient_folds
from precordia.classification.platt import fit_platt
from precordia.classification.temperature import fit_temperature
from precordia.core.errors import OptionError, SignalError, unknown_name

CALIBRATIONS = ("platt", "isotonic", "temperature", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How logits of statements become probabilities.

    Attributes
    ----------
    method
        One of `CALIBRATIONS`.
    slope, intercept
        Probability is the logistic function of ``slope * logit + intercept``; NaN for a statement
        that could not be calibrated, and for all with ``"isotonic"``.
    steps
        With ``"isotonic"``: for each statement logits, ascending, and the probability at each.
    reasons
        For each statement why it could not be calibrated; empty where it could.
    """

    method: str
    slope: Float[np.ndarray, " statement"]
    intercept: Float[np.ndarray, " statement"]
    steps: tuple[Float[np.ndarray, "2 _"], ...] = ()
    reasons: tuple[str, ...] = ()


def fit_calibration(
    logits: Float[np.ndarray, "record statement"],
    labels: Float[np.ndarray, "record statement"],
    *,
    method: Literal["platt", "isotonic", "temperature", "none"] = "platt",
    least: int = 1,
) -> Calibration:
    """Fit a calibration on records that the classifier did not learn from.

    Parameters
    ----------
    logits
        Scores; the logistic function of an uncalibrated score is its probability.
    labels
        0 or 1; NaN where unknown.
    method
        ``"platt"`` (a slope and an intercept per statement), ``"isotonic"`` (any ascending step
        function; wants hundreds of positives), ``"temperature"`` (one slope for all statements),
        ``"none"`` (the logistic function as it is).
    least
        Positives, and negatives, that a statement must have to be calibrated.

    Returns
    -------
    The calibration. A statement with too few labels of a kind has NaN and a reason, and so has one
    that Platt's curve would turn over: its scores are worse than chance on these records.

    Raises
    ------
    UnknownNameError
        If there is no such method.
    SignalError, OptionError
        If shapes disagree, logits are not finite, or labels are other than 0, 1 and NaN.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(size=(20000, 1))
    >>> labels = (rng.random((20000, 1)) < 1 / (1 + np.exp(-truth))).astype(float)
    >>> calibration = fit_calibration(3 * truth + 1, labels)
    >>> calibration.slope.round(1), calibration.intercept.round(1)
    (array([0.3]), array([-0.3]))
    """
    if method not in CALIBRATIONS:
        raise unknown_name("calibration", method, CALIBRATIONS, listing="CALIBRATIONS")
    z, y = check_scores(logits, labels)
    n_statements = z.shape[1]
    nan = np.full(n_statements, np.nan)
    if method == "none":
        return Calibration(
            method=method,
            slope=np.ones(n_statements),
            intercept=np.zeros(n_statements),
            reasons=("",) * n_statements,
        )
    reasons = [_too_few(column, least) for column in y.T]
    if method == "temperature":
        usable = ~np.isnan(y)
        temperature = fit_temperature(z[usable], y[usable]) if usable.any() else np.nan
        return Calibration(
            method=method,
            slope=np.full(n_statements, 1 / temperature),
            intercept=np.zeros(n_statements),
            reasons=("",) * n_statements if usable.any() else tuple(reasons),
        )
    slope, intercept, steps = nan.copy(), nan.copy(), []
    for k, reason in enumerate(reasons):
        known = ~np.isnan(y[:, k])
        if method == "isotonic":
            steps.append(np.zeros((2, 0)) if reason else fit_isotonic(z[known, k], y[known, k]))
        elif not reason:
            slope[k], intercept[k] = fit_platt(z[known, k], y[known, k])
            if slope[k] < 0:
                reasons[k] = f"scores rank the wrong way: the slope would be {slope[k]:.2g}"
                slope[k] = intercept[k] = np.nan
    return Calibration(
        method=method, slope=slope, intercept=intercept, steps=tuple(steps), reasons=tuple(reasons)
    )


def calibrated(
    calibration: Calibration, logits: Float[np.ndarray, "record statement"]
) -> Float[np.ndarray, "record statement"]:
    """Turn logits into calibrated probabilities.

    Parameters
    ----------
    calibration
        From `fit_calibration`, or slope and intercept of a card.
    logits
        Scores of the same classifier.

    Returns
    -------
    Probabilities; NaN for a statement that was not calibrated.

    Raises
    ------
    SignalError
        If there are more or fewer statements than were calibrated.

    Examples
    --------
    >>> plain = Calibration(method="platt", slope=np.array([2.0]), intercept=np.array([1.0]))
    >>> calibrated(plain, np.array([[-0.5]]))
    array([[0.5]])
    """
    z = np.asarray(logits, float)
    n_statements = len(calibration.slope)
    if z.ndim != 2 or z.shape[1] != n_statements:
        raise SignalError(
            f"logits of shape {z.shape} arrived; this calibration needs (record, {n_statements})."
        )
    if calibration.method == "isotonic":
        columns = [
            isotonic_probability(step, column)
            for step, column in zip(calibration.steps, z.T, strict=True)
        ]
        return np.stack(columns, axis=1)
    return logistic(z * calibration.slope + calibration.intercept)


def cross_fitted(
    logits: Float[np.ndarray, "record statement"],
    labels: Float[np.ndarray, "record statement"],
    patients: np.ndarray,
    *,
    method: Literal["platt", "isotonic", "temperature", "none"] = "platt",
    n_folds: int = 5,
    seed: int = 0,
    least: int = 1,
) -> Float[np.ndarray, "record statement"]:
    """Calibrate each record with what the records of all other folds of patients say.

    With it the same records can both fit a calibration and measure it.

    Parameters
    ----------
    logits, labels, method, least
        As for `fit_calibration`.
    patients
        Patient of each record; one patient is never on both sides.
    n_folds
        Into how many parts patients are divided.
    seed
        Of the division.

    Returns
    -------
    Probabilities; NaN where the other folds could not calibrate a statement.

    Raises
    ------
    OptionError
        If there are fewer patients than folds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=(200, 1))
    >>> y = (rng.random((200, 1)) < 1 / (1 + np.exp(-z))).astype(float)
    >>> cross_fitted(z, y, np.arange(200) // 2).shape
    (200, 1)
    """
    z, y = check_scores(logits, labels)
    folds = patient_folds(patients, y, n_folds=n_folds, seed=seed)
    result = np.full(z.shape, np.nan)
    for fold in range(n_folds):
        held = folds == fold
        fitted = fit_calibration(z[~held], y[~held], method=method, least=least)
        result[held] = calibrated(fitted, z[held])
    return result


def logistic(logits: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Return the logistic function, exact at both ends.

    Examples
    --------
    >>> logistic(np.array([-800.0, 0.0, 800.0]))
    array([0. , 0.5, 1. ])
    """
    z = np.asarray(logits, float)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, small) / (1.0 + small)


def check_scores(
    scores: Float[np.ndarray, "record statement"], labels: Float[np.ndarray, "record statement"]
) -> tuple[Float[np.ndarray, "record statement"], Float[np.ndarray, "record statement"]]:
    """Return scores and labels as arrays of floats, or say what is wrong with them.

    Raises
    ------
    SignalError
        If shapes disagree or scores are not finite.
    OptionError
        If labels are other than 0, 1 and NaN.

    Examples
    --------
    >>> check_scores([[0.5]], [[1]])[1]
    array([[1.]])
    """
    z, y = np.asarray(scores, float), np.asarray(labels, float)
    if z.ndim != 2 or z.shape != y.shape or 0 in z.shape:
        raise SignalError(
            f"scores of shape {z.shape} and labels of shape {y.shape} arrived; both must be "
            "(record, statement), alike and not empty."
        )
    if not np.isfinite(z).all():
        raise SignalError("scores hold NaN or infinity; every record needs a finite score.")
    if not (np.isnan(y) | (y == 0) | (y == 1)).all():
        raise OptionError("labels hold values other than 0, 1 and NaN (unknown).")
    return z, y


def _too_few(labels: Float[np.ndarray, " record"], least: int) -> str:
    n_positive, n_negative = int((labels == 1).sum()), int((labels == 0).sum())
    wanted = max(least, 1)
    if min(n_positive, n_negative) >= wanted:
        return ""
    return (
        f"{n_positive} positive and {n_negative} negative records; at least {wanted} of each are "
        "needed to calibrate"
    )
