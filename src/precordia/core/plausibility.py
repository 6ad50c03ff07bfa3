# SPDX-License-Identifier: Apache-2.0
"""Is this an ECG in millivolts? Amplitude, scale and lead consistency, reported, never repaired."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from precordia.core.leads import SMALL_RESIDUAL_MV, identity_residuals, limb_leads_agree
from precordia.core.record import Remark

#: typical peak-to-peak amplitude of a lead over ten seconds, mV (median over leads and records)
TYPICAL_PEAK_TO_PEAK_MV = 1.2
#: outside these bounds the median lead is not that of a surface ECG in millivolts
LOWEST_MV, HIGHEST_MV = 0.15, 5.0
_FACTORS = (1e-6, 1e-3, 1e-2, 0.1, 1 / 6, 0.5, 2.0, 6.0, 10.0, 100.0, 1e3, 1e6)

#: leads of a real recording never span the same range; rounding leaves less than this
_ALIKE_SPANS = 0.005
_FEWEST_LEADS = 3
#: how near zero mean and unit variance are, of any leads, and of three or more that are alike
_NEARLY, _ABOUT, _ALIKE_DEVIATIONS = 0.03, 0.3, 1.4


def looks_normalised(signal: Float[np.ndarray, "lead sample"], *, exactly: bool = False) -> bool:
    """Tell whether every lead has zero mean and unit variance, as after a z-score.

    Such a signal has lost its millivolts: amplitudes must not be measured on it.

    Parameters
    ----------
    signal
        Potential, supposedly mV.
    exactly
        Leave out what is so nearly alone, for who would refuse the signal.

    Notes
    -----
    Any number of leads counts where deviations are within 3 % of one and means within 0.03. Three
    leads or more count where deviations are within 30 % of one and 40 % of one another, as of a
    part of what was normalised whole, or of what was filtered since: the leads of 1,800 real
    recordings are never so alike at that size.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(2, 5000))
    >>> bool(looks_normalised((x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)))
    True
    """
    if signal.shape[1] < 50 or not signal.shape[0]:
        return False
    deviations, means = [], []
    for row in signal:
        known = row[np.isfinite(row)].astype(np.float64)
        deviation = float(known.std()) if known.size else 0.0
        if deviation > 0:
            deviations.append(deviation)
            means.append(abs(float(known.mean())))
            nearly = abs(deviation - 1) < _NEARLY and means[-1] < _NEARLY
            if not nearly and (signal.shape[0] < _FEWEST_LEADS or abs(deviation - 1) >= _ABOUT):
                return False
    if not deviations:
        return False
    if max(abs(d - 1) for d in deviations) < _NEARLY and max(means) < _NEARLY:
        return True
    alike = max(deviations) / min(deviations) < _ALIKE_DEVIATIONS
    enough = len(deviations) >= _FEWEST_LEADS and not exactly
    return enough and alike and max(means) < _ABOUT


def scaled_one_by_one(signal: Float[np.ndarray, "lead sample"]) -> str:
    """Tell why the leads of a record have lost their relative size, if they have.

    Parameters
    ----------
    signal
        Potential, supposedly mV.

    Returns
    -------
    A reason, empty where nothing speaks against the millivolts.

    Notes
    -----
    A lead that was divided by its own range (or its own largest value) spans what every other
    lead spans. Durations and shapes within a lead survive that; voltages, ST levels and the
    electrical axis do not. Copies of the Lobachevsky database (LUDB) are like that.

    Examples
    --------
    >>> wave = np.sin(np.arange(1000.0) / 20) * np.ones((3, 1))
    >>> scaled_one_by_one(wave)
    'every lead spans the same 2 mV: the leads were scaled one by one'
    """
    if signal.shape[0] < _FEWEST_LEADS or signal.shape[1] < 2:
        return ""
    span = np.fmax.reduce(signal, axis=1) - np.fmin.reduce(signal, axis=1)
    span = span[span > 0]  # a dead lead says nothing of how the others were scaled
    if len(span) < _FEWEST_LEADS:
        return ""
    typical = float(np.median(span))
    if not np.all(np.abs(span - typical) < _ALIKE_SPANS * typical):
        return ""
    return f"every lead spans the same {typical:.3g} mV: the leads were scaled one by one"


def amplitude_remarks(
    signal: Float[np.ndarray, "lead sample"], leads: Sequence[str]
) -> tuple[Remark, ...]:
    """Report amplitudes that no surface ECG in millivolts has.

    Parameters
    ----------
    signal
        Potential, supposedly mV.
    leads
        Name of each row.

    Returns
    -------
    One remark that names the likely factor, or none. The signal is never rescaled.

    Notes
    -----
    The median over the leads of the peak-to-peak amplitude is compared with what real recordings
    have. A factor of two can be suspected only at the edges of the normal range; a factor of six
    or ten stands out.

    Examples
    --------
    >>> amplitude_remarks(1000 * np.sin(np.arange(1000.0))[None], ["II"])[0].code
    'amplitude-implausible'
    """
    if signal.shape[1] < 2 or not signal.shape[0]:
        return ()
    span = signal.max(axis=1) - signal.min(axis=1)
    if LOWEST_MV <= sorted(span.tolist())[span.size // 2] <= HIGHEST_MV and span.min() > 0:
        return ()
    if not np.isfinite(span).all():
        held = np.isfinite(signal).any(axis=1)
        span = np.zeros(signal.shape[0])
        span[held] = np.nanmax(signal[held], axis=1) - np.nanmin(signal[held], axis=1)
    alive = span[span > 0]
    if not alive.size:
        return ()
    typical = float(np.median(alive))
    if LOWEST_MV <= typical <= HIGHEST_MV:
        return ()
    ratio = typical / TYPICAL_PEAK_TO_PEAK_MV
    factor = min(_FACTORS, key=lambda f: abs(np.log(ratio / f)))
    size = "large" if ratio > 1 else "small"
    return (
        Remark(
            code="amplitude-implausible",
            text=(
                f"The leads span {typical:.3g} mV in the median; surface ECGs span about "
                f"{TYPICAL_PEAK_TO_PEAK_MV:g} mV. The values look about {_times(factor)} too "
                f"{size}: check the unit and gain of the file. Nothing was rescaled."
            ),
        ),
    )


def _times(factor: float) -> str:
    return f"{factor:g}×" if factor >= 1 else f"{1 / factor:g}×"


def lead_remarks(
    signal: Float[np.ndarray, "lead sample"], leads: Sequence[str]
) -> tuple[Remark, ...]:
    """Report limb leads that contradict Einthoven's and Goldberger's identities.

    Parameters
    ----------
    signal
        Potential, mV.
    leads
        Name of each row.

    Returns
    -------
    One remark per lead that does not equal what I and II say; it says so where turning the
    lead's sign would mend it.

    Notes
    -----
    A residual counts where it exceeds 20 µV and 10 % of the lead's own root mean square; the
    rounding of stored integers and small filter differences between leads stay below that.

    Examples
    --------
    >>> x = np.vstack([np.sin(np.arange(99.0)), 3 * np.sin(np.arange(99.0))])
    >>> lead_remarks(np.vstack([x, x[:1] - x[1:]]), ["I", "II", "III"])[0].code
    'lead-polarity'
    """
    if limb_leads_agree(signal, tuple(leads)):
        return ()
    remarks = []
    for name, (residual, turned, size) in identity_residuals(signal, leads).items():
        limit = max(SMALL_RESIDUAL_MV, 0.1 * size)
        if residual <= limit or not np.isfinite(residual):
            continue
        if turned <= max(SMALL_RESIDUAL_MV, 0.02 * size):
            code, what = "lead-polarity", "has the opposite sign of"
        else:
            code, what = "leads-inconsistent", f"differs by {residual:.2g} mV (rms) from"
        remarks.append(
            Remark(
                code=code,
                text=f"Lead {name} {what} what leads I and II require. Check lead order and names.",
                leads=(name,),
            )
        )
    return tuple(remarks)
