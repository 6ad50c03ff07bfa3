# SPDX-License-Identifier: Apache-2.0
"""Harrell's concordance: how often of two the one with the higher risk had the event first."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Real

from precordia.core.errors import SignalError

#: pairs that are compared at a time
_PAIRS = 8_000_000


def concordance(
    risks: Real[np.ndarray, " batch"],
    times: Real[np.ndarray, " batch"],
    events: Bool[np.ndarray, " batch"],
    weights: Real[np.ndarray, "_ batch"] | None = None,
) -> Float[np.ndarray, " _"]:
    """Return the concordance index of risks with times until an event.

    Parameters
    ----------
    risks
        High where the event is expected soon.
    times, events
        Time of each record until the event, or until it was last seen without it.
    weights
        How often each record counts, a row a draw; once each by default.

    Returns
    -------
    One number a draw: 0.5 for chance, 1 where the order of risks is that of events. NaN where no
    two records can be compared.

    Raises
    ------
    SignalError
        If shapes disagree, or a risk or time is not finite.

    Notes
    -----
    *Method*: two records are compared where the earlier time is that of an event; at equal times
    where one has the event and the other not. Equal risks count half. A record that is drawn twice
    is not compared with itself.

    References
    ----------
    Harrell FE et al. JAMA 1982;247:2543. doi:10.1001/jama.1982.03320430047030

    Examples
    --------
    >>> concordance(np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]), np.ones(3, bool)).round(3)
    array([0.667])
    """
    risk, time = np.asarray(risks, float), np.asarray(times, float)
    event = np.asarray(events, bool)
    if risk.ndim != 1 or time.shape != risk.shape or event.shape != risk.shape:
        raise SignalError(
            f"risks of shape {risk.shape}, times of shape {time.shape} and events of shape "
            f"{event.shape} arrived; one of each for every record is needed."
        )
    if not np.isfinite(risk).all() or not np.isfinite(time).all():
        raise SignalError("risks or times hold NaN or infinity. Leave such records out.")
    held = np.ones((1, risk.size)) if weights is None else np.asarray(weights, float)
    if held.ndim != 2 or held.shape[1] != risk.size:
        raise SignalError(
            f"weights of shape {held.shape} arrived for {risk.size} records; (draw, "
            f"{risk.size}) is needed."
        )
    ordered, compared = np.zeros(len(held)), np.zeros(len(held))
    had = np.flatnonzero(event)
    chunk = max(1, _PAIRS // max(risk.size, 1))
    for first in range(0, had.size, chunk):
        some = had[first : first + chunk]
        later = (time > time[some, None]) | ((time == time[some, None]) & ~event)
        above = (risk < risk[some, None]) + 0.5 * (risk == risk[some, None])
        own = held[:, some]
        compared += (own * (held @ later.T)).sum(axis=1)
        ordered += (own * (held @ (later * above).T)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(compared > 0, ordered / compared, np.nan)
