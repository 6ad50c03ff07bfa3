# SPDX-License-Identifier: Apache-2.0
"""Say what a database in a folder holds: counts of records, patients, classes and folds."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from precordia.core.value import Value
from precordia.datasets.dataset import Dataset
from precordia.datasets.found import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Description(Value):
    """What there is of a database.

    Attributes
    ----------
    name, title, version, licence, url
        From its card.
    folder, task
        Where, and which labels.
    n_records, n_patients
        Counts of what is there; patients that the database does not tell apart count each record.
    n_published
        Records of the whole database.
    classes
        Records with each class.
    folds
        Records in each published fold.
    female, male
        Records of either sex; the others do not say.
    age_years
        5th, 50th and 95th percentile of the ages that are known; empty where none is.
    remarks
        What was noticed while loading, counted.
    traps
        What has misled others.
    """

    name: str
    title: str
    version: str
    licence: str
    url: str
    folder: str
    task: str
    n_records: int
    n_patients: int
    n_published: int
    classes: dict[str, int]
    folds: dict[str, int]
    female: int
    male: int
    age_years: tuple[float, ...]
    remarks: tuple[str, ...]
    traps: tuple[str, ...]

    def __str__(self) -> str:
        whole = f" of {self.n_published}" if self.n_published else ""
        lines = [
            f"{self.title} {self.version}, {self.licence}".replace(" ,", ","),
            f"records     {self.n_records}{whole}",
            f"patients    {self.n_patients}",
            f"sex         {self.female} female, {self.male} male",
        ]
        if self.age_years:
            low, middle, high = self.age_years
            lines.append(f"age         {middle:g} years (5 % below {low:g}, 5 % above {high:g})")
        if self.folds:
            lines.append("folds       " + ", ".join(f"{k}: {n}" for k, n in self.folds.items()))
        lines.append(f"task        {self.task}, {counted(len(self.classes), 'class', 'classes')}")
        lines += [f"  {n:>7}  {name}" for name, n in self.classes.items()]
        lines += [f"note: {text}" for text in self.remarks]
        lines += [f"beware: {text}" for text in self.traps]
        return "\n".join(lines)


def describe_dataset(dataset: Dataset) -> Description:
    r"""Count what a database holds and gather what should be known of it.

    Parameters
    ----------
    dataset
        What `load_dataset` found.

    Returns
    -------
    The counts, for print or ``to_json``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from precordia.datasets.dataset import load_dataset
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "labels.csv").write_text("path,patient_id,label\na.dcm,1,x\nb.dcm,1,y\n")
    >>> said = describe_dataset(load_dataset("folder", folder, check_files=False))
    >>> said.n_records, said.n_patients, said.classes
    (2, 1, {'x': 1, 'y': 1})
    """
    card = dataset.card
    ages = [i.patient.age_years for i in dataset if not math.isnan(i.patient.age_years)]
    folds = Counter(item.fold for item in dataset if item.fold)
    sexes = Counter(item.patient.sex for item in dataset)
    order = sorted(folds, key=lambda f: (not f.isdigit(), int(f) if f.isdigit() else 0, f))
    return Description(
        name=card.name,
        title=card.title,
        version=card.version,
        licence=card.licence,
        url=card.url,
        folder=str(dataset.folder),
        task=dataset.task,
        n_records=len(dataset),
        n_patients=len({item.group for item in dataset}),
        n_published=card.n_records,
        classes=dataset.counts(),
        folds={fold: folds[fold] for fold in order},
        female=sexes["female"],
        male=sexes["male"],
        age_years=tuple(float(x) for x in np.percentile(ages, (5, 50, 95))) if ages else (),
        remarks=tuple(remark.text for remark in dataset.remarks),
        traps=card.traps,
    )
