# SPDX-License-Identifier: Apache-2.0
"""Test records made worse: leads taken away, noise of real electrodes added."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from precordia.core.errors import FormatError
from precordia.core.leads import LIMB, PRECORDIAL, STANDARD_12
from precordia.core.record import Record

#: sets of leads of the challenge of 2021 and of others, by number
LEAD_SUBSETS = {
    "12 leads": STANDARD_12,
    "8 leads": ("I", "II", *PRECORDIAL),
    "6 leads": LIMB,
    "3 leads": ("I", "II", "V2"),
    "2 leads": ("I", "II"),
    "1 lead": ("I",),
}
SNRS_DB = (24, 18, 12, 6, 0)
#: recordings of the noise stress test: baseline wander, electrode motion, muscle
NOISES = ("bw", "em", "ma")
Alter = Callable[[Record, int], Record]


def keep_leads(leads: tuple[str, ...]) -> Alter:
    """Return what takes all other leads away; what follows from those that stay can be computed.

    Examples
    --------
    >>> record = Record(signal=np.zeros((3, 5)), fs=100, leads=("I", "II", "V1"))
    >>> keep_leads(("I", "II"))(record, 0).leads
    ('I', 'II')
    """

    def alter(record: Record, k: int) -> Record:
        rows = [i for i, lead in enumerate(record.leads) if lead in leads]
        if not rows:
            return record
        return dataclasses.replace(
            record,
            signal=np.asarray(record.signal)[rows],
            leads=tuple(record.leads[i] for i in rows),
        )

    return alter


def add_recorded_noise(noises: dict[str, Record], snr_db: float, *, seed: int = 0) -> Alter:
    """Return what adds noise at a ratio of variances; each record gets one kind, drawn by its row.

    Parameters
    ----------
    noises
        From `read_noises`.
    snr_db
        Ratio, dB.
    seed
        Of which noise and which excerpt; the same for every method.
    """
    from precordia.signal.noise import add_noise, draw_noise, join_electrode_noise

    names = sorted(noises)

    def alter(record: Record, k: int) -> Record:
        rng = np.random.default_rng([seed, k])
        noise = noises[names[int(rng.integers(len(names)))]]
        signal = np.asarray(record.signal)
        pieces = draw_noise(
            noise.signal,
            noise.fs,
            fs=record.fs,
            n_samples=signal.shape[1],
            n_leads=9,
            seed=rng,
        )
        try:
            added = join_electrode_noise(pieces, record.leads)
        except ValueError:  # leads that are no combination of the standard electrodes
            added = pieces[np.arange(signal.shape[0]) % len(pieces)]
        return dataclasses.replace(
            record, signal=add_noise(signal, added, snr_db=snr_db, scale="record")
        )

    return alter


def read_noises(folder: str | Path) -> dict[str, Record]:
    """Read the noise recordings of the MIT-BIH Noise Stress Test Database.

    Raises
    ------
    FormatError
        If the folder holds none of them.
    """
    from precordia.io.read import read

    place = Path(folder)
    found = {
        name: read(place / f"{name}.hea") for name in NOISES if (place / f"{name}.hea").exists()
    }
    if not found:
        raise FormatError(
            f"'{place}' holds none of the noise recordings {', '.join(NOISES)}; those of the "
            "MIT-BIH Noise Stress Test Database are needed. Get them with: precordia dataset "
            "fetch nstdb FOLDER"
        )
    return found


def noise_hash(noises: dict[str, Record]) -> str:
    """Return twelve digits of the noise recordings."""
    digest = hashlib.sha256()
    for name in sorted(noises):
        digest.update(name.encode() + np.ascontiguousarray(noises[name].signal).tobytes())
    return digest.hexdigest()[:12]
