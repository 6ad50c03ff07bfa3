# SPDX-License-Identifier: Apache-2.0
"""Cox's proportional hazards on embeddings: who is at risk sooner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.core.errors import OptionError, SignalError

DEFAULT_ALPHAS = tuple(10.0**k for k in range(-1, 5))
_STEPS = 50
#: a step that lowers the loss per event by less is the last
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxProbe:
    """A fitted probe; the logarithm of the risk is ``embeddings @ weight``, up to a constant.

    Attributes
    ----------
    weight
        On raw embeddings.
    centre
        Mean of the training embeddings, whose risk is 1.
    alpha
        The penalty.
    valid_likelihood
        Partial log-likelihood per event of each penalty on validation; NaN without validation.
    """

    weight: Float[np.ndarray, " dim"]
    centre: Float[np.ndarray, " dim"]
    alpha: float
    valid_likelihood: Float[np.ndarray, " setting"]


def fit_cox_probe(
    embeddings: Float[np.ndarray, "record dim"],
    times: Float[np.ndarray, " record"],
    events: Bool[np.ndarray, " record"],
    *,
    valid_embeddings: Float[np.ndarray, "valid dim"] | None = None,
    valid_times: Float[np.ndarray, " valid"] | None = None,
    valid_events: Bool[np.ndarray, " valid"] | None = None,
    alphas: tuple[float, ...] = DEFAULT_ALPHAS,
) -> CoxProbe:
    """Fit proportional hazards with a ridge penalty and choose it on validation records.

    Parameters
    ----------
    embeddings
        Training records.
    times, events
        Time of each record until the event, or until it was last seen without it.
    valid_embeddings, valid_times, valid_events
        Records that choose the penalty, of other patients. Not needed for a single one.
    alphas
        Penalties to try: half of alpha times the squared weights on standardised features is taken
        from the partial log-likelihood, which is a sum over events.

    Returns
    -------
    The probe.

    Raises
    ------
    SignalError
        If shapes disagree, numbers are not finite, times are negative, or there is no event.
    OptionError
        If the choice lacks validation records, or a penalty is not positive.

    Notes
    -----
    Newton's method with halved steps on the penalised partial likelihood, which is concave. Events
    at one time are handled after Breslow: each has the same risk set, with all of them in it. The
    penalty of the largest partial likelihood of the validation records is taken.

    References
    ----------
    Cox DR. J R Stat Soc B 1972;34:187. doi:10.1111/j.2517-6161.1972.tb00899.x
    Breslow N. Biometrics 1974;30:89. doi:10.2307/2529620
    Verweij PJM, van Houwelingen HC. Stat Med 1994;13:2427. doi:10.1002/sim.4780132307

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(500, 2))
    >>> times = np.random.default_rng(1).exponential(np.exp(-x[:, 0]))
    >>> probe = fit_cox_probe(x, times, np.ones(500, bool), alphas=(1e-3,))
    >>> probe.weight.round(1) + 0.0
    array([1., 0.])
    """
    settings = tuple(sorted(alphas, reverse=True))
    if not settings or not all(0 < alpha < np.inf for alpha in settings):
        raise OptionError("alphas must be positive, and at least one is needed.")
    validation = (valid_embeddings, valid_times, valid_events)
    given = [part is not None for part in validation]
    if any(given) != all(given):
        raise OptionError(
            "validation needs embeddings, times and events; only some arrived. Give all or none."
        )
    if not any(given) and len(settings) > 1:
        raise OptionError(
            f"{len(settings)} penalties arrived and no validation records to choose among them. "
            "Give valid_embeddings, valid_times and valid_events, or one alpha."
        )
    x, order = _checked(embeddings, times, events, "training")
    mean, spread = x.mean(axis=0), x.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    z = ((x - mean) / scale)[order.rows]
    fitted, start = [], np.zeros(x.shape[1])
    for alpha in settings:
        start = _newton(z, order, alpha, start)
        fitted.append(start)
    likelihood = np.full(len(settings), np.nan)
    best = 0
    if valid_embeddings is not None:
        held, held_order = _checked(valid_embeddings, valid_times, valid_events, "validation")
        if held.shape[1] != x.shape[1]:
            raise SignalError(
                f"validation has {held.shape[1]} features; training has {x.shape[1]}. As many are "
                "needed."
            )
        held = ((held - mean) / scale)[held_order.rows]
        likelihood = np.array(
            [_log_likelihood(held @ weight, held_order) for weight in fitted]
        ) / len(held_order.at)
        best = int(np.argmax(likelihood))
    return CoxProbe(
        weight=fitted[best] / scale,
        centre=mean,
        alpha=settings[best],
        valid_likelihood=likelihood[::-1],
    )


def probe_risk(
    probe: CoxProbe, embeddings: Float[np.ndarray, "record dim"]
) -> Float[np.ndarray, " record"]:
    """Return the logarithm of the risk of records, against that of the mean training record.

    Raises
    ------
    SignalError
        If the embeddings have another width.

    Examples
    --------
    >>> probe = CoxProbe(weight=np.array([2.0]), centre=np.array([1.0]), alpha=1.0,
    ...                  valid_likelihood=np.zeros(1))
    >>> probe_risk(probe, np.array([[1.0], [3.0]]))
    array([0., 4.])
    """
    x = np.asarray(embeddings, float)
    if x.ndim != 2 or x.shape[1] != probe.weight.size:
        raise SignalError(
            f"embeddings of shape {x.shape} arrived; (record, {probe.weight.size}) was needed, as "
            "the probe was fitted."
        )
    return (x - probe.centre) @ probe.weight


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """Records from the latest time to the earliest, so that each risk set is a first part.

    Attributes
    ----------
    rows
        Numbers of the records in that order.
    at
        Place of each event in that order.
    last
        Place of the last record of the risk set of each event.
    """

    rows: Int[np.ndarray, " record"]
    at: Int[np.ndarray, " _"]
    last: Int[np.ndarray, " _"]


def _checked(embeddings, times, events, name: str) -> tuple[np.ndarray, _Order]:
    x, t = np.asarray(embeddings, float), np.asarray(times, float)
    happened = np.asarray(events, bool)
    if x.ndim != 2 or 0 in x.shape or t.shape != x.shape[:1] or happened.shape != t.shape:
        raise SignalError(
            f"{name} embeddings of shape {x.shape}, times of shape {t.shape} and events of shape "
            f"{happened.shape} arrived; (record, dim), (record,) and (record,) were needed."
        )
    if not np.isfinite(x).all() or not np.isfinite(t).all() or (t < 0).any():
        raise SignalError(
            f"{name} embeddings or times hold NaN, infinity, or a negative time. Leave such "
            "records out."
        )
    if not happened.any():
        raise SignalError(
            f"none of {t.size} {name} records has an event; at least one is needed to tell who is "
            "at risk."
        )
    rows = np.argsort(-t, kind="stable")
    late = -t[rows]
    at = np.flatnonzero(happened[rows])
    return x, _Order(rows=rows, at=at, last=np.searchsorted(late, late[at], side="right") - 1)


def _log_likelihood(risk: np.ndarray, order: _Order) -> float:
    """Breslow's partial log-likelihood of records in order."""
    top = risk.max()
    total = np.log(np.cumsum(np.exp(risk - top))[order.last]) + top
    return float((risk[order.at] - total).sum())


def _newton(z: np.ndarray, order: _Order, alpha: float, start: np.ndarray) -> np.ndarray:
    weight = start
    value = _log_likelihood(z @ weight, order) - alpha / 2 * weight @ weight
    for _ in range(_STEPS):
        step = np.linalg.solve(*_curvature_and_slope(z, order, alpha, weight))
        size = 1.0
        while True:
            tried = weight + size * step
            found = _log_likelihood(z @ tried, order) - alpha / 2 * tried @ tried
            if found >= value or size < 1e-6:
                break
            size /= 2
        if found <= value:
            break
        gained, weight, value = found - value, tried, found
        if gained < _TOLERANCE * len(order.at):
            break
    return weight


def _curvature_and_slope(
    z: np.ndarray, order: _Order, alpha: float, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return minus the second derivative, and the first, of the penalised likelihood."""
    risk = z @ weight
    share = np.exp(risk - risk.max())
    total = np.cumsum(share)
    last, times = np.unique(order.last, return_counts=True)
    # each record's expected number of events: the events whose risk set holds it
    expected = np.zeros(len(z))
    expected[last] = times / total[last]
    expected = share * np.cumsum(expected[::-1])[::-1]
    means = np.cumsum(share[:, None] * z, axis=0)[last] / total[last, None]
    slope = z[order.at].sum(axis=0) - expected @ z - alpha * weight
    curvature = (z * expected[:, None]).T @ z - (means * times[:, None]).T @ means
    return curvature + alpha * np.eye(weight.size), slope
