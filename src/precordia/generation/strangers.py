# SPDX-License-Identifier: Apache-2.0
"""A few simulated patients who differ in most of what can be asked about an ECG."""

from __future__ import annotations

from functools import cache

from precordia.core.record import Record
from precordia.generation.simulate import simulate

#: scenario, rate and noise of each
_WHO: tuple[tuple[str, float | None, str | None], ...] = (
    ("sinus", 64.0, None),
    ("atrial-fibrillation", 112.0, "baseline-wander"),
    ("left-bundle-block", 88.0, None),
    ("first-degree-block", 52.0, "muscle"),
    ("ventricular-premature", None, None),
    ("stemi-anterior", 96.0, None),
    ("old-inferior-infarct", 70.0, None),
    ("left-ventricular-hypertrophy", 78.0, None),
)
_SNR_DB = 10.0


@cache
def list_strangers() -> tuple[Record, ...]:
    """Return simulated recordings that answer most questions differently from each other.

    Use them as the other patients of a check whether an answer follows the recording, where no
    real recordings are at hand.

    Returns
    -------
    Records of twelve leads, 10 s at 500 Hz, always the same.

    Examples
    --------
    >>> len(list_strangers()), list_strangers()[0].origin
    (8, 'synthetic')
    """
    return tuple(
        simulate(
            scenario,
            heart_rate_bpm=rate,
            noise=noise,
            snr_db=None if noise is None else _SNR_DB,
            respiration_percent=5.0,
            seed=seed,
        )
        for seed, (scenario, rate, noise) in enumerate(_WHO)
    )
