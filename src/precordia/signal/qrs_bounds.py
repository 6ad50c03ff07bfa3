# SPDX-License-Identifier: Apache-2.0
"""Place the bounds of the QRS complex where the signal itself leaves and regains its level."""

import numpy as np
from jaxtyping import Float

from precordia.core.errors import SignalError
from precordia.signal.gaps import bridge_gaps, check_fs

_NOISE_FACTOR = 3.0
_DROWNED = 2.0  # thresholds above this many times the visible one would cut into the complex
_USUAL_MS = (8.0, 4.0)  # how far experts' marks on LUDB lie outside of what is visible
_BEFORE_MS, _AFTER_MS = (26.0, 4.0), (4.0, 26.0)  # where the levels are taken, from the bounds
_ONSET_MS, _OFFSET_MS = (4.0, 45.0), (50.0, 5.0)  # where the bounds are looked for
_TO_ONSET_MS, _TO_OFFSET_MS = 1.5, 2.0  # from the visible deviation to where it began and ends


def refine_qrs_bounds(
    beat: Float[np.ndarray, "lead sample"],
    fs: float,
    onset: float,
    offset: float,
    *,
    p_offset: float = float("nan"),
    visible_mv: float = 0.02,
) -> tuple[float, float]:
    """Move the bounds of a QRS complex to where it becomes visible over all leads.

    Experts and what was trained on their marks put the onset some 10 ms before anything is seen to
    move, and the offset a few ms after; devices do not. Give this a beat with little noise, best
    the median beat, and bounds that are roughly right.

    Parameters
    ----------
    beat
        Potential, mV.
    fs
        Sampling rate, Hz.
    onset, offset
        Bounds to start from, samples.
    p_offset
        End of the P wave, samples, which the level before the QRS complex must not reach into.
    visible_mv
        Root mean square deviation over the leads that counts as visible, mV.

    Returns
    -------
    Onset and offset, samples with fractions. A bound comes back as it was where it is NaN, where
    there is no room for a level beside it, or where the deviation never falls below the threshold.

    Raises
    ------
    SignalError
        If the beat is not a (lead, sample) array of finite values or NaN.

    Notes
    -----
    *Method.* Before the onset the level of a lead is its median over 26 to 4 ms before the given
    bound; after the offset it is the line through 4 to 26 ms after it, so that a sloping ST segment
    is no deviation. The onset is the last rise of the deviation (root mean square over leads)
    through the threshold between 4 ms before and 45 ms after the given onset; the offset its last
    fall between 50 ms before and 5 ms after. The threshold is 20 uV, the smallest wave of IEC
    60601-2-25, or three times the deviation within the level where that is more; where that is
    more than 40 uV it would cut into the complex, and the bounds are moved in by the 8 and 4 ms
    by which experts' marks on LUDB lie outside of what is visible. From a threshold the
    bounds are moved out by 1.5 and 2 ms, the time in which simulated waves become visible.
    *Departure*: the standard asks for 20 uV in single leads over 6 ms.

    References
    ----------
    CSE Working Party. Eur Heart J 1985;6:815-825. doi:10.1093/oxfordjournals.eurheartj.a061774
    IEC 60601-2-25:2011.

    Examples
    --------
    >>> spike = np.zeros((2, 300))
    >>> spike[:, 100:150] = np.sin(np.linspace(0, np.pi, 50))
    >>> [round(x) for x in refine_qrs_bounds(spike, 500, 92.0, 155.0)]
    [100, 150]
    """
    ms = check_fs(fs) / 1000
    x, _ = bridge_gaps(beat)
    if x.ndim != 2:
        raise SignalError(
            f"a beat of shape {x.shape} arrived; (lead, sample) was needed. Use beat[np.newaxis]."
        )
    if x.shape[0] == 0 or not (0 <= onset < offset < x.shape[1]):
        return float(onset), float(offset)
    return (
        _onset(x, ms, float(onset), p_offset, visible_mv),
        _offset(x, ms, float(offset), float(onset), visible_mv),
    )


def _onset(x: np.ndarray, ms: float, onset: float, p_offset: float, visible_mv: float) -> float:
    first, last = int(max(onset - _BEFORE_MS[0] * ms, 0)), int(onset - _BEFORE_MS[1] * ms)
    if p_offset < onset:
        first = max(first, int(np.ceil(p_offset)))
    if last - first < 3:
        return onset
    level = np.median(x[:, first:last], axis=1, keepdims=True)
    noise = np.sqrt(((x[:, first:last] - level) ** 2).mean())
    threshold = max(visible_mv, _NOISE_FACTOR * float(noise))
    if threshold > _DROWNED * visible_mv:
        return onset + _USUAL_MS[0] * ms
    start = int(max(onset - _ONSET_MS[0] * ms, 0))
    stop = int(min(onset + _ONSET_MS[1] * ms, x.shape[1]))
    size = np.sqrt(((x[:, start:stop] - level) ** 2).mean(axis=0))
    below = np.flatnonzero(size <= threshold)
    if not below.size or below[-1] + 1 >= size.size:
        return onset
    k = int(below[-1])
    crossing = start + k + (threshold - size[k]) / (size[k + 1] - size[k])
    return float(crossing - _TO_ONSET_MS * ms)


def _offset(x: np.ndarray, ms: float, offset: float, onset: float, visible_mv: float) -> float:
    first = int(offset + _AFTER_MS[0] * ms)
    last = int(min(offset + _AFTER_MS[1] * ms, x.shape[1]))
    if last - first < 4:
        return offset
    place = np.arange(first, last)
    middle = place.mean()
    level = x[:, first:last].mean(axis=1, keepdims=True)
    slope = ((x[:, first:last] - level) * (place - middle)).sum(axis=1, keepdims=True)
    slope /= ((place - middle) ** 2).sum()
    noise = np.sqrt(((x[:, first:last] - level - slope * (place - middle)) ** 2).mean())
    threshold = max(visible_mv, _NOISE_FACTOR * float(noise))
    if threshold > _DROWNED * visible_mv:
        return offset - _USUAL_MS[1] * ms
    start = int(max(offset - _OFFSET_MS[0] * ms, onset, 0))
    stop = int(min(offset + _OFFSET_MS[1] * ms, x.shape[1]))
    line = level + slope * (np.arange(start, stop) - middle)
    size = np.sqrt(((x[:, start:stop] - line) ** 2).mean(axis=0))
    above = np.flatnonzero(size > threshold)
    if not above.size or above[-1] + 1 >= size.size:
        return offset
    k = int(above[-1])
    crossing = start + k + (size[k] - threshold) / (size[k] - size[k + 1])
    return float(crossing + _TO_OFFSET_MS * ms)
