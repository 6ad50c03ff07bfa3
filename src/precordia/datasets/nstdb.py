# SPDX-License-Identifier: Apache-2.0
"""MIT-BIH Noise Stress Test Database: three noises, and two records with one of them added."""

from __future__ import annotations

import re
from pathlib import Path

from precordia.core.record import Patient
from precordia.datasets.found import Found
from precordia.datasets.item import Item
from precordia.datasets.label_table import find_files

NOISES = {"bw": "baseline wander", "em": "electrode motion", "ma": "muscle artifact"}
_NOISY = re.compile(r"(118|119)e(_?)(\d\d?)")


def find_nstdb(folder: Path, *, task: str) -> Found:
    """Find the records of the Noise Stress Test Database.

    Parameters
    ----------
    folder
        Holds ``bw.hea``, ``118e06.hea`` and so on.
    task
        noise: which noise a record holds; 118e and 119e hold electrode motion.

    Returns
    -------
    What was found. ``facts["snr_db"]`` is the signal-to-noise ratio of the noisy records.

    Notes
    -----
    The noisy records are records 118 and 119 of ``mitdb`` with noise added from the sixth minute
    on, two minutes in four; whoever trains on ``mitdb`` has seen these two patients.
    """
    found = Found(items=[], classes=tuple(NOISES.values()))
    for path in find_files(folder, r"(bw|em|ma|11[89]e_?\d\d?)\.hea"):
        noisy = _NOISY.fullmatch(path.stem)
        if noisy is None:
            found.items.append(Item(name=path.stem, path=path, labels=(NOISES[path.stem],)))
            continue
        sign = "-" if noisy[2] else ""
        found.items.append(
            Item(
                name=path.stem,
                path=path,
                patient=Patient(patient_id=f"mitdb-{noisy[1]}"),
                labels=(NOISES["em"],),
                facts={"snr_db": f"{sign}{int(noisy[3])}", "record": noisy[1]},
                annotation="atr" if path.with_suffix(".atr").exists() else "",
            )
        )
    return found
