# SPDX-License-Identifier: Apache-2.0
"""How each beat looks beside the patient's own beats; no lead is special, nor its gain or sign."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.classification.beat_alignment import (
    Aligned,
    centred,
    dot,
    fit,
    levelled,
    middle,
    size,
)
from precordia.classification.beat_cuts import BEFORE, QRS, WIDTH, P
from precordia.classification.beat_families import width_ms

#: ST and T in a cut
T = slice(BEFORE + 14, BEFORE + 58)
_P_LAG = 6
_TINY = 1e-6
#: how alike the second family is on average in half-hour recordings; a short one may have but one,
#: of which nothing follows
_USUAL_SECOND_FIT = 0.837
NAMES = (
    *("qrs_fit", "qrs_speed_fit", "qrs_gain", "qrs_size", "width", "width_of_usual"),
    *("family_width", "family_share", "family_fit", "family_early", "family_late_next"),
    *("family_is_usual", "second_fit", "peak_speed", "late_qrs_fit"),
    *("t_fit", "t_size", "t_polarity", "p_fit", "p_fit_moved", "p_lag", "p_size", "p_error"),
    *("late_p_fit", "late_p_fit_moved", "late_p_lag", "late_p_error", "p_template_size"),
    *("early_p_fit", "own_p_fit", "family_p_fit", "family_p_size", "noise", "usual_width"),
    *("last_fit", "next_fit"),
)


def shape_features(
    aligned: Aligned, timing: Float[np.ndarray, "beat dim"]
) -> Float[np.ndarray, "beat _"]:
    """Describe the shapes of beats.

    Parameters
    ----------
    aligned
        The beats, from `precordia.classification.beat_alignment.align_beats`.
    timing
        Of the same beats, from `precordia.classification.beat_timing.timing_features`.

    Returns
    -------
    One row per beat, columns as `NAMES`.

    Notes
    -----
    *fit* is a correlation over leads and time. The *usual* beat is the median of the patient's
    usual family; the *late* one that of its beats after the longest two fifths of the intervals
    around them, the *early* one of the earliest tenth. P and T are compared after the straight line
    that fits best was taken away; P also moved by up to 48 ms. Sizes are logarithms of shares of
    the usual beat's; *width* is that of the middle nine tenths of the movement of the QRS complex,
    tenths of a second. Where all beats are of one family, the fit with a second one is not known
    and stands at the average of long recordings, so that it speaks for no class.
    """
    moved, families, template = aligned.moved, aligned.families, aligned.template
    n = len(moved)
    late_template, early_template = aligned.late, aligned.early
    qrs, of_usual = centred(moved[:, :, QRS]), centred(template[:, QRS])
    norm = size(of_usual) + _TINY
    qrs_size = size(qrs) + _TINY
    gain = dot(qrs, of_usual) / norm**2
    speed, usual_speed = np.diff(moved, axis=2), np.diff(template, axis=1)
    width, usual_width = width_ms(moved[:, :, QRS]), width_ms(template[None, :, QRS])[0]
    member, rows = families.member, np.arange(n)
    share = np.bincount(member, minlength=families.fit.shape[1]) / n
    sorted_fit = np.sort(families.fit, axis=1)
    second = sorted_fit[:, -2] if sorted_fit.shape[1] > 1 else np.full(n, _USUAL_SECOND_FIT)

    def of_family(values: np.ndarray) -> np.ndarray:
        total = np.bincount(member, values, minlength=share.size)
        return (total / np.maximum(share * n, 1))[member]

    t, t_of_usual = levelled(moved[:, :, T]), levelled(template[:, T])
    p, p_of_usual, p_of_late = (
        levelled(moved[:, :, P]),
        levelled(template[:, P]),
        levelled(late_template[:, P]),
    )
    p_size, p_usual_size = size(p), size(p_of_usual)
    p_moved, p_lag = _best_lag(moved, p_of_usual)
    late_moved, late_lag = _best_lag(moved, p_of_late)
    p_fit = fit(p, p_of_usual)
    peak = np.sqrt((speed[:, :, QRS] ** 2).sum(axis=1)).max(axis=1)
    usual_peak = np.sqrt((usual_speed[:, QRS] ** 2).sum(axis=0)).max()
    calm = np.sort(np.sqrt((speed**2).sum(axis=1)), axis=1)[:, : WIDTH // 3].mean(axis=1)
    own_p = np.concatenate([levelled(t_[None, :, P]) for t_ in _family_means(moved, member)])
    qrs_fit = gain * norm / qrs_size
    columns = [
        qrs_fit,
        fit(speed[:, :, QRS], usual_speed[:, QRS]),
        np.clip(gain, -2, 3),
        np.log(qrs_size / norm),
        width / 100.0,
        np.log(width / usual_width),
        np.log(of_family(width) / usual_width),
        np.log10(share[member]),
        families.fit[rows, member],
        of_family(timing[:, 6]),
        of_family(timing[:, 1]),
        (member == families.usual).astype(float),
        second,
        np.log(peak / (usual_peak + _TINY) + 0.01),
        fit(qrs, centred(late_template[:, QRS])),
        fit(t, t_of_usual),
        np.log(size(t) / (size(t_of_usual) + _TINY) + 0.01),
        np.clip(dot(t, t_of_usual) / (dot(t_of_usual, t_of_usual) + _TINY), -3, 3),
        p_fit,
        p_moved,
        p_lag / 6.0,
        np.log(p_size / (p_usual_size + _TINY) + 0.01),
        np.log(size(p - p_of_usual) / (p_usual_size + _TINY) + 0.01),
        fit(p, p_of_late),
        late_moved,
        late_lag / 6.0,
        np.log(size(p - p_of_late) / (size(p_of_late) + _TINY) + 0.01),
        np.full(n, np.log(p_usual_size / (size(of_usual) + _TINY) + 0.01)),
        fit(p, levelled(early_template[:, P])),
        fit(p, own_p[member]),
        of_family(p_fit),
        np.log(of_family(p_size) / (p_usual_size + _TINY) + 0.01),
        np.log(calm / (usual_peak + _TINY) + 0.01),
        np.full(n, usual_width / 100.0),
        _beside(qrs_fit, 1),
        _beside(qrs_fit, -1),
    ]
    return np.nan_to_num(np.stack(columns, axis=1).astype(np.float32))


def _beside(x: np.ndarray, by: int) -> np.ndarray:
    out = np.roll(x, by)
    if by > 0:
        out[:by] = 1.0
    else:
        out[by:] = 1.0
    return out


def _family_means(x: np.ndarray, member: np.ndarray) -> list[np.ndarray]:
    means = []
    for k in range(int(member.max()) + 1):
        own = x[member == k]
        means.append(middle(own) if len(own) else np.zeros(x.shape[1:], x.dtype))
    return means


def _best_lag(moved: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best correlation of P with a template within 48 ms, and where."""
    fits = np.stack(
        [fit(levelled(moved[:, :, P.start + k : P.stop + k]), p) for k in range(-_P_LAG, _P_LAG, 2)]
    )
    best = fits.argmax(axis=0)
    return fits[best, np.arange(len(moved))], 2.0 * best - _P_LAG
