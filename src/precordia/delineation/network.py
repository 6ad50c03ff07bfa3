# SPDX-License-Identifier: Apache-2.0
"""Delineate with the trained network: waves of every lead, any number of leads, any rate."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from precordia.core.errors import SamplingRateError, SignalError, WeightsError
from precordia.delineation.network_input import RATE_HZ, network_input
from precordia.delineation.network_waves import median_over_leads, read_waves
from precordia.delineation.waves import LeadWaves

WEIGHTS = "waves"
#: longest stretch given to the network at once, and what neighbouring stretches share, s
_STRETCH_S, _SHARED_S = 30.0, 6.0
_SHORTEST_S = 1.0
#: two peaks of one kind closer than this, found in neighbouring stretches, are one, s
_SAME_S = 0.1


def delineate_with_network(signal: Float[np.ndarray, "lead sample"], fs: float) -> list[LeadWaves]:
    """Find the P, QRS and T waves of every lead.

    All leads are read together, so that a wave that is faint in one lead is found with the help of
    the others; yet each lead has bounds of its own. A dead lead (flat, or all missing) has none.

    Parameters
    ----------
    signal
        Potential in millivolts; NaN where nothing was recorded. Any number of leads.
    fs
        Sampling rate in hertz, 50 to 20,000.

    Returns
    -------
    The waves of each lead, in the order of the leads. Positions are fractional samples at ``fs``.

    Raises
    ------
    SamplingRateError
        If ``fs`` is not between 50 and 20,000 Hz.
    SignalError
        If the signal is not a table of leads by samples.
    WeightsError
        If onnxruntime is not installed or the weights are not there.

    Notes
    -----
    A one-dimensional U-Net (on the ECG Moskalenko 2019) with weights shared by all leads reads each
    lead at 250 Hz. Departures: a trunk between its halves sees the mean and the largest of the
    features over leads, and what it finds is given back to every lead; bounds are not read off as
    changes of the likeliest class but as the expected place of the change, see
    `precordia.delineation.network_waves.read_waves`. Trained on LUDB (Kalyakulina 2020); the card
    beside the weights has the scores. Recordings longer than 30 s are read in stretches that share
    6 s.

    References
    ----------
    Moskalenko V, Zolotykh N, Osipov G. Deep learning for ECG segmentation. Studies in Computational
    Intelligence 2020;856:246-254. doi:10.1007/978-3-030-30425-6_29
    Kalyakulina AI et al. LUDB: a new open-access validation tool for electrocardiogram delineation
    algorithms. IEEE Access 2020;8:186181-186190. doi:10.1109/ACCESS.2020.3029211

    Examples
    --------
    >>> waves = delineate_with_network(np.zeros((2, 1000), np.float32), 500.0)
    >>> [len(lead.qrs) for lead in waves]
    [0, 0]
    """
    signal = _checked(signal, fs)
    leads = [LeadWaves() for _ in signal]
    stretches = list(_stretches(signal.shape[1], fs))
    parts: dict[str, list[np.ndarray]] = {"p": [], "qrs": [], "t": []}
    missing = ~np.isfinite(signal)
    missing = missing if missing.any() else None
    for start, stop, first, last in stretches:
        for kind, waves in _read(signal[:, start:stop], fs).items():
            waves[:3] = waves[:3] * (fs / RATE_HZ) + start
            if missing is not None:
                _unseen(waves, missing)
            place = median_over_leads(waves[1])
            parts[kind].append(waves[:, :, (place >= first) & (place < last)])
    for kind, found in parts.items():
        if not found:
            continue
        table = _joined(found, fs)
        rows = np.ascontiguousarray(np.moveaxis(table, 0, 2), np.float64)
        sorted_ = (rows[:, 1:, 1] > rows[:, :-1, 1]).all(1) & np.isfinite(rows[:, :, 1]).all(1)
        for lead, (waves, ready) in enumerate(zip(rows, sorted_, strict=True)):
            if not ready:
                waves = waves[np.isfinite(waves[:, 1])]
                waves = waves[np.argsort(waves[:, 1], kind="stable")]
            setattr(leads[lead], kind, waves)
    return leads


def has_weights() -> bool:
    """Say whether the weights are in the package.

    Returns
    -------
    True if `delineate_with_network` can find them.

    Examples
    --------
    >>> has_weights()
    True
    """
    return (files("precordia.delineation") / "weights" / f"{WEIGHTS}.onnx").is_file()


@lru_cache(maxsize=1)
def weights_version() -> str:
    """Name the weights in use, as their card does.

    Returns
    -------
    The version written in the card beside the weights.

    Examples
    --------
    >>> weights_version()
    '...'
    """
    import tomllib

    card = files("precordia.delineation") / "weights" / f"{WEIGHTS}.toml"
    return tomllib.loads(card.read_text(encoding="utf-8"))["version"]


def _checked(signal: np.ndarray, fs: float) -> np.ndarray:
    if not 50 <= fs <= 20_000:
        raise SamplingRateError(
            f"a sampling rate of {fs:g} Hz arrived; the delineator reads 50 to 20,000 Hz. "
            "Check the unit of fs, or resample the record."
        )
    signal = np.asarray(signal, np.float32)
    if signal.ndim != 2:
        raise SignalError(
            f"an array of {signal.ndim} dimensions arrived; two are needed: (lead, sample). "
            "Give one lead as signal[None, :]."
        )
    return signal


def _stretches(n: int, fs: float):
    """Start, stop, and the inner part whose waves count."""
    whole, shared = int(_STRETCH_S * fs), int(_SHARED_S * fs)
    if n < _SHORTEST_S * fs:
        return
    if n <= whole:
        yield 0, n, -np.inf, np.inf
        return
    for start in range(0, n - shared, whole - shared):
        stop = min(start + whole, n)
        first = -np.inf if start == 0 else start + shared / 2
        last = np.inf if stop == n else stop - shared / 2
        yield start, stop, first, last
        if stop == n:
            return


def _read(signal: np.ndarray, fs: float) -> dict[str, np.ndarray]:
    x, alive = network_input(signal, fs)
    n = x.shape[2]
    if x.shape[1] == 0:
        return {kind: np.empty((4, len(signal), 0)) for kind in ("p", "qrs", "t")}
    padded = np.zeros((1, *x.shape[:2], n + (-n) % 16), np.float32)
    padded[0, :, :, :n] = x
    probability = _session(WEIGHTS).run(None, {"signal": padded})[0][:, :, : (n + 1) // 2]
    found = read_waves(probability, x[0])
    if alive.all():
        return found
    out = {}
    for kind, waves in found.items():
        out[kind] = np.full((4, len(signal), waves.shape[2]), np.nan)
        out[kind][:, alive] = waves
    return out


def _unseen(waves: np.ndarray, missing: np.ndarray) -> None:
    """Forget what would lie where nothing was recorded."""
    if not waves.size:
        return
    lead = np.arange(len(missing))[:, None]
    at = np.clip(np.nan_to_num(np.rint(waves[:3])).astype(int), 0, missing.shape[1] - 1)
    hidden = missing[lead, at]
    waves[:3][hidden] = np.nan
    waves[:3, hidden[1]] = np.nan


def _joined(found: list[np.ndarray], fs: float) -> np.ndarray:
    table = np.concatenate(found, axis=2)
    if len(found) == 1 or table.shape[2] < 2:
        return table
    place = median_over_leads(table[1])
    order = np.argsort(place, kind="stable")
    return table[:, :, order[np.r_[True, np.diff(place[order]) > _SAME_S * fs]]]


@lru_cache(maxsize=2)
def _session(name: str):
    try:
        import onnxruntime
    except ImportError as error:
        raise WeightsError(
            "onnxruntime is not installed; the trained delineator needs it. "
            "Install it with: pip install onnxruntime, or ask for the rule-based method."
        ) from error
    source = files("precordia.delineation") / "weights" / f"{name}.onnx"
    try:
        weights = source.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"the weights {name}.onnx are not in the package. Install precordia anew, "
            "or ask for the rule-based method."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
