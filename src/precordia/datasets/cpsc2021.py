# SPDX-License-Identifier: Apache-2.0
"""China Physiological Signal Challenge 2021: paroxysmal atrial fibrillation in Holter excerpts."""

from __future__ import annotations

import re
from pathlib import Path

from precordia.core.record import Patient
from precordia.core.statements import Statement
from precordia.datasets.found import Found
from precordia.datasets.item import Item
from precordia.datasets.label_table import find_files, header_comments

CLASSES = (
    "non atrial fibrillation",
    "paroxysmal atrial fibrillation",
    "persistent atrial fibrillation",
)
_NAME = re.compile(r"data_(\d+)_(\d+)")


def find_cpsc2021(folder: Path, *, task: str) -> Found:
    """Find the training records of CPSC 2021.

    Parameters
    ----------
    folder
        Searched with all its folders for ``data_<Holter>_<excerpt>.hea``.
    task
        rhythm: one of three classes for each record.

    Returns
    -------
    What was found. The first number of a name is the Holter recording, hence the patient; every
    split is by it. Beats and the borders of episodes are in ``item.read_annotations()``.

    Notes
    -----
    Excerpts of one Holter recording share its class only by chance: paroxysmal recordings have
    excerpts without fibrillation.

    References
    ----------
    Wang X et al. PhysioNet 2021. doi:10.13026/ksya-qw89
    """
    found = Found(items=[], classes=CLASSES)
    for path in find_files(folder, r"data_\d+_\d+\.hea"):
        words = [line.lstrip("# \t").lower() for line in header_comments(path)]
        label = next((word for word in words if word in CLASSES), None)
        if label is None:
            found.unlabelled.append(path.stem)
            continue
        holter = _NAME.fullmatch(path.stem)
        found.items.append(
            Item(
                name=path.stem,
                path=path,
                patient=Patient(patient_id=holter[1] if holter else None),
                labels=(label,),
                statements=(Statement(code=label),),
                annotation="atr" if path.with_suffix(".atr").exists() else "",
            )
        )
    return found
