# SPDX-License-Identifier: Apache-2.0
"""Windows of a model's length from a recording of any length."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import SignalError
from precordia.core.input_steps import Window
from precordia.embedding.passage import MOST_NUMBERS, Passage, model_name
from precordia.signal.windows import window_starts

_Windows = Float[np.ndarray, "..."]
_PADDING = {"edge": "edge", "repeat": "wrap", "reflect": "reflect", "zero": "constant"}


def cut(step: Window, passage: Passage) -> None:
    """Cut windows, and note which samples of the recording each of them covers.

    Raises
    ------
    SignalError
        If the recording is too short and the step refuses such, holds no sample, or the windows
        are too many for one call.
    """
    signal = passage.signal
    n_samples = signal.shape[-1]
    width = round(passage.spec.seconds * passage.fs)
    if not width:
        raise SignalError(
            f"a window of {passage.spec.seconds:g} s holds no sample at {passage.fs:g} Hz. Take a "
            "recording at a higher rate, or put a 'resample' step before the window."
        )
    if not n_samples or (n_samples < width and step.short == "refuse"):
        raise SignalError(
            f"{model_name(passage.spec)} needs {passage.spec.seconds:g} s; this record has "
            f"{passage.n_recorded / passage.record_fs:.3g} s. Take a longer recording."
        )
    if n_samples < width:
        starts = np.array([-_pad_before(width - n_samples, step.side)])
    else:
        starts = _starts(step, n_samples, width, passage.fs)
    size = starts.size * max(signal.shape[0], 1) * width
    if size > MOST_NUMBERS:
        raise SignalError(
            f"{starts.size} windows of {signal.shape[0]} leads and {width} samples, {size:.2g} "
            f"numbers, would result; up to {MOST_NUMBERS:.2g} fit into one call. Prepare the "
            "recording part by part."
        )
    passage.signal = _windows(signal, starts, width, step)
    stops = starts + width
    inside = np.stack([np.maximum(starts, 0), np.minimum(stops, n_samples)], axis=1)
    ratio = passage.record_fs / passage.fs
    covers = np.rint(inside * ratio).astype(np.int64)
    # The last sample after a change of rate stands for what is left of the recording.
    covers[inside[:, 1] == n_samples, 1] = passage.n_recorded
    passage.covers = np.minimum(covers, passage.n_recorded)
    share = passage.spec.n_samples / width
    passage.recorded = np.rint((inside - starts[:, np.newaxis]) * share).astype(np.int64)
    passage.done.append(_sentence(step, starts, width, n_samples, passage))


def _starts(step: Window, n_samples: int, width: int, fs: float) -> Int[np.ndarray, " window"]:
    if step.take == "first":
        return np.array([0])
    if step.take == "centre":
        return np.array([(n_samples - width) // 2])
    if step.take == "last":
        return np.array([n_samples - width])
    stride = width if step.step_s is None else max(1, round(step.step_s * fs))
    starts = window_starts(n_samples, width, stride)
    if starts[-1] % stride and step.tail != "shift":
        starts = starts[:-1]
    after = starts[-1] + stride
    left = starts[-1] + width < n_samples and after < n_samples
    return np.append(starts, after) if step.tail == "pad" and left else starts


def _pad_before(lacking: int, side: str) -> int:
    return {"end": 0, "start": lacking, "both": lacking // 2}[side]


def _windows(
    signal: Float[np.ndarray, "lead sample"],
    starts: Int[np.ndarray, " window"],
    width: int,
    step: Window,
) -> _Windows:
    n_samples = signal.shape[-1]
    result = np.empty((starts.size, signal.shape[0], width))
    for window, start in zip(result, starts.tolist(), strict=True):
        part = signal[:, max(start, 0) : min(start + width, n_samples)]
        if part.shape[1] == width:
            window[:] = part
        else:
            before = max(-start, 0)
            window[:] = _lengthen(part, before, width - part.shape[1] - before, step.short)
    return result


def _lengthen(part: np.ndarray, before: int, after: int, how: str) -> np.ndarray:
    mode = _PADDING.get(how, "constant")
    if mode == "reflect" and part.shape[1] < 2:
        mode = "edge"
    options = {"constant_values": np.nan if how == "nan" else 0.0} if mode == "constant" else {}
    return np.pad(part, ((0, 0), (before, after)), mode=mode, **options)  # type: ignore[call-overload]


def _sentence(
    step: Window, starts: np.ndarray, width: int, n_samples: int, passage: Passage
) -> str:
    seconds = f"{passage.spec.seconds:g} s"
    if n_samples < width:
        held = passage.n_recorded / passage.record_fs
        return f"{held:.3g} s lengthened to {seconds} ({step.short}, {step.side})"
    if starts.size == 1:
        return f"{seconds} taken from {starts[0] / passage.fs:.3g} s on"
    return f"{starts.size} windows of {seconds} taken"
