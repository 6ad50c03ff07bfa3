# SPDX-License-Identifier: Apache-2.0
"""Add recorded or modelled noise to a signal at a stated signal-to-noise ratio."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from precordia.core.errors import OptionError, SignalError
from precordia.core.leads import LIMB, STANDARD_12
from precordia.signal.gaps import bridge_gaps, check_fs
from precordia.signal.lead_algebra import ELECTRODES, LIMB_FROM_I_II
from precordia.signal.resample import resample


def draw_noise(
    noise: Float[np.ndarray, "... sample"],
    noise_fs: float,
    *,
    fs: float,
    n_samples: int,
    n_leads: int,
    seed: int | np.random.Generator,
) -> Float[np.ndarray, "..."]:
    """Cut random excerpts out of a noise recording, one for each lead.

    Parameters
    ----------
    noise
        A recording of noise, (sample,) or (lead, sample), such as ``bw``, ``em`` or ``ma`` of the
        MIT-BIH Noise Stress Test Database. Its unit does not matter: `add_noise` scales it.
    noise_fs
        Sampling rate of the noise, Hz.
    fs
        Wanted sampling rate, Hz.
    n_samples, n_leads
        Wanted size.
    seed
        Seed or generator.

    Returns
    -------
    Noise at the wanted rate. Each row starts at its own random place in a random row of the
    recording; a recording shorter than needed is repeated forwards and backwards.

    Raises
    ------
    SignalError
        If the recording is empty, constant or entirely missing.

    Examples
    --------
    >>> walk = np.cumsum(np.random.default_rng(0).normal(size=(2, 3600)), axis=1)
    >>> draw_noise(walk, 360, fs=500, n_samples=1000, n_leads=12, seed=1).shape
    (12, 1000)
    """
    rng = np.random.default_rng(seed)
    rows = np.atleast_2d(bridge_gaps(noise)[0])
    rows = rows[np.ptp(rows, axis=1) > 0] if rows.size else rows[:0]
    if rows.shape[0] == 0:
        raise SignalError(
            "a noise recording without any varying sample arrived; noise of shape (sample,) or "
            "(lead, sample) was needed. Check what was read."
        )
    margin = 64  # settles the ends of the resampling filter
    needed = int(np.ceil(n_samples * check_fs(noise_fs, name="noise_fs") / check_fs(fs)))
    needed += 2 * margin
    if rows.shape[1] < needed:
        rows = np.tile(np.concatenate([rows, rows[:, ::-1]], axis=1), needed // rows.shape[1] + 1)
    excerpts = np.empty((n_leads, needed))
    for excerpt in excerpts:
        start = rng.integers(rows.shape[1] - needed + 1)
        excerpt[:] = rows[rng.integers(rows.shape[0]), start : start + needed]
    skip = int(margin * fs / noise_fs)
    drawn = resample(excerpts, noise_fs, fs)[:, skip : skip + n_samples]
    return drawn - drawn.mean(axis=1, keepdims=True)


def add_noise(
    signal: Float[np.ndarray, "lead sample"],
    noise: Float[np.ndarray, "lead sample"],
    *,
    snr_db: float,
    scale: Literal["lead", "record"] = "lead",
) -> Float[np.ndarray, "lead sample"]:
    """Add noise at a signal-to-noise ratio.

    The ratio is ``10 log10(P_signal / P_noise)`` decibels, where P is the variance over the whole
    lead (of the samples that are there). This differs from the convention of the program ``nst``,
    which takes the QRS peak-to-peak amplitude for the signal.

    Parameters
    ----------
    signal
        Potential, mV; NaN stays NaN.
    noise
        Noise of the same shape, any unit.
    snr_db
        Wanted ratio, dB.
    scale
        ``"lead"``: each lead reaches the ratio. ``"record"``: one factor for all leads, set by the
        median lead, so that noise that obeys the limb lead identities goes on doing so.

    Returns
    -------
    The sum, same float type. A flat lead, or one without noise, comes back as it was.

    Raises
    ------
    SignalError
        If the shapes differ.
    OptionError
        If the ratio is not finite or the scale is unknown.

    References
    ----------
    Moody GB et al. Comput Cardiol 1984;11:381-384 (the noise stress test).

    Examples
    --------
    >>> signal = np.sin(np.arange(1000.0) / 20)[None]
    >>> noise = np.random.default_rng(0).normal(size=(1, 1000))
    >>> rest = add_noise(signal, noise, snr_db=10) - signal
    >>> float((10 * np.log10(signal.var() / rest.var())).round(6))
    10.0
    """
    clean, added = np.asarray(signal), np.asarray(noise, float)
    if clean.shape != added.shape or clean.ndim != 2:
        raise SignalError(
            f"a signal of shape {clean.shape} and noise of shape {added.shape} arrived; both must "
            "be (lead, sample) and equal. Cut the noise with draw_noise(...)."
        )
    if not np.isfinite(snr_db):
        raise OptionError(f"snr_db = {snr_db} arrived; a finite number of decibels was needed.")
    if scale not in ("lead", "record"):
        raise OptionError(f"scale = {scale!r} arrived; 'lead' or 'record' was needed.")
    there = np.isfinite(clean)
    if there.all():
        signal_power, noise_power = clean.var(axis=1, dtype=float), added.var(axis=1)
    else:
        signal_power = _variance(clean, there)
        noise_power = _variance(added, there)
    usable = (signal_power > 0) & (noise_power > 0)
    factor = np.zeros(clean.shape[0])
    factor[usable] = np.sqrt(signal_power[usable] / noise_power[usable] / 10 ** (snr_db / 10))
    if scale == "record" and usable.any():
        factor[:] = np.median(factor[usable])
    dtype = clean.dtype if clean.dtype.kind == "f" else np.dtype(float)
    return (clean + factor[:, None] * added).astype(dtype)


def join_electrode_noise(
    noise: Float[np.ndarray, "lead sample"], leads: Sequence[str] = STANDARD_12
) -> Float[np.ndarray, "..."]:
    """Turn independent noise at nine electrodes into noise of leads.

    Real noise arises at electrodes, so the limb leads share it and keep their identities, and the
    chest leads share a third of that of each limb electrode through the central terminal.

    Parameters
    ----------
    noise
        Nine rows: RA, LA, LL, C1 to C6.
    leads
        Wanted leads, out of the standard twelve.

    Returns
    -------
    Noise of each lead.

    Raises
    ------
    SignalError
        If there are not nine rows.

    Examples
    --------
    >>> nine = np.random.default_rng(0).normal(size=(9, 100))
    >>> twelve = join_electrode_noise(nine)
    >>> bool(np.allclose(twelve[2], twelve[1] - twelve[0]))
    True
    """
    rows = np.asarray(noise)
    if rows.ndim != 2 or rows.shape[0] != 9:
        raise SignalError(
            f"noise of shape {rows.shape} arrived; nine rows were needed, one per electrode. Ask "
            "for them with n_leads=9."
        )
    return ELECTRODES.coefficients[[STANDARD_12.index(name) for name in leads]] @ rows


def keep_limb_identities(
    signal: Float[np.ndarray, "lead sample"], leads: Sequence[str]
) -> Float[np.ndarray, "lead sample"]:
    """Recompute III, aVR, aVL and aVF from I and II, in place of what these rows held.

    Parameters
    ----------
    signal
        Potential, mV.
    leads
        Name of each row. Without both I and II the signal comes back as it is.

    Returns
    -------
    The signal with exact limb leads.

    Examples
    --------
    >>> keep_limb_identities(np.array([[1.0], [3.0], [9.0]]), ("I", "II", "III"))[2].tolist()
    [2.0]
    """
    result = np.array(signal)
    names = list(leads)
    if "I" in names and "II" in names:
        first, second = result[names.index("I")].copy(), result[names.index("II")].copy()
        for name in LIMB[2:]:
            if name in names:
                a, b = LIMB_FROM_I_II[name]
                result[names.index(name)] = a * first + b * second
    return result


def _variance(
    rows: Float[np.ndarray, "lead sample"], there: Bool[np.ndarray, "lead sample"]
) -> Float[np.ndarray, " lead"]:
    """Compute the variance of each lead over the samples that are there."""
    count = np.maximum(there.sum(axis=1), 1)
    values = np.where(there, rows, 0.0).astype(float)
    mean = values.sum(axis=1) / count
    return (values**2).sum(axis=1) / count - mean**2
