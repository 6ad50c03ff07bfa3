# SPDX-License-Identifier: Apache-2.0
"""R-peaks of prepared stretches, found once and kept beside them."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Int

from precordia.core.input_spec import InputSpec
from precordia.core.output import write_whole
from precordia.training.prepared_strips import PreparedStrips
from precordia.training.window_rpeaks import detect_window_rpeaks

_FILE = "rpeaks.npz"


def rpeaks_of_strips(
    strips: PreparedStrips,
    spec: InputSpec,
    *,
    wait: bool = False,
    watch: Callable[[int, int, str], None] | None = None,
) -> list[Int[np.ndarray, " beat"]]:
    """Return the R-peaks of each strip, in its samples.

    Parameters
    ----------
    strips
        Prepared stretches.
    spec
        What they were prepared for.
    wait
        Wait for another process that finds them.
    watch
        Is told how many are done, of how many, and a few words.

    Raises
    ------
    SamplingRateError
        If the windows are sampled slower than R-peaks can be found at.
    OutputError
        If the disk refuses.
    """
    place = strips.folder / _FILE
    while wait and not place.exists():
        time.sleep(0.2)
    if not place.exists():
        n = len(strips.length)

        def told(done: int) -> None:
            if watch is not None:
                watch(done, n, "finding R-peaks")

        found = detect_window_rpeaks(_signals(strips, spec), spec.fs, watch=told)
        ends = np.cumsum([len(beats) for beats in found])
        held = io.BytesIO()
        np.savez(held, beats=np.concatenate([*found, np.empty(0, np.int64)]), ends=ends)
        write_whole({place: held.getvalue()}, overwrite=True)
    with np.load(place, allow_pickle=False) as kept:
        return np.split(kept["beats"].astype(np.int64), kept["ends"][:-1])


def _signals(strips: PreparedStrips, spec: InputSpec) -> Iterator[np.ndarray]:
    for strip, length in enumerate(strips.length.tolist()):
        signal = np.empty((spec.n_leads, length), np.float32)
        strips.cut(strip, 0, length, signal)
        yield signal[strips.present[strip]]
