# SPDX-License-Identifier: Apache-2.0
"""Long recordings of noise, recorded or modelled, at the rate of the windows."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from precordia.core.errors import MissingFileError, unknown_name
from precordia.io.read import read
from precordia.signal.gaps import bridge_gaps
from precordia.signal.noise_models import model_noise
from precordia.signal.resample import resample

#: kinds of noise, the record of the Noise Stress Test Database, and the model
KINDS = {
    "baseline wander": ("bw", "baseline-wander"),
    "electrode motion": ("em", "electrode-motion"),
    "muscle artifact": ("ma", "muscle"),
    "powerline 50 Hz": ("", "powerline-50"),
    "powerline 60 Hz": ("", "powerline-60"),
}
_MODELLED_SECONDS = 120.0
_MODELLED_ROWS = 4
#: modelled noise is the same for everybody, as a recording is
_MODELLED_SEED = 20_240_229


@dataclass(frozen=True, slots=True, eq=False)
class NoiseBank:
    """Rows of one kind of noise, of unit standard deviation.

    Attributes
    ----------
    kind
        One of `KINDS`.
    rows
        The noise, each row of the same length.
    recorded
        Whether it was recorded or modelled.
    """

    kind: str
    rows: Float[Tensor, "lead sample"]
    recorded: bool


@functools.lru_cache(maxsize=32)
def load_noise(kind: str, fs: float, folder: str | None = None) -> NoiseBank:
    """Load one kind of noise.

    Parameters
    ----------
    kind
        One of `KINDS`.
    fs
        Wanted rate, Hz.
    folder
        Where ``bw``, ``em`` and ``ma`` of the MIT-BIH Noise Stress Test Database are. Without it,
        and for powerline interference, noise is modelled.

    Returns
    -------
    The noise; the same for every call, so that excerpts of it can be repeated.

    Raises
    ------
    UnknownNameError
        If there is no such kind.
    MissingFileError
        If the folder lacks the recording.

    References
    ----------
    Moody GB, Muldrow WE, Mark RG. Comput Cardiol 1984;11:381-384. doi:10.13026/C2HS3T

    Examples
    --------
    >>> load_noise("muscle artifact", 100.0).rows.shape
    torch.Size([4, 12000])
    """
    if kind not in KINDS:
        raise unknown_name("kind of noise", kind, KINDS, listing=", ".join(KINDS))
    recording, model = KINDS[kind]
    if folder is None or not recording:
        rows = model_noise(
            model,
            n_samples=round(_MODELLED_SECONDS * fs),
            n_leads=_MODELLED_ROWS,
            fs=fs,
            seed=_MODELLED_SEED,
        )
    else:
        path = Path(folder) / f"{recording}.hea"
        if not path.exists():
            raise MissingFileError(
                f"'{folder}' has no '{recording}.hea', the recording of {kind} of the MIT-BIH "
                "Noise Stress Test Database. Give the folder where bw, em and ma are, or none for "
                "modelled noise."
            )
        record = read(path)
        rows = resample(bridge_gaps(record.signal)[0].astype(float), record.fs, fs)
        rows = rows - rows.mean(axis=1, keepdims=True)
        rows = rows / rows.std(axis=1, keepdims=True)
    return NoiseBank(
        kind, torch.from_numpy(np.ascontiguousarray(rows, np.float32)), bool(folder and recording)
    )
