# SPDX-License-Identifier: Apache-2.0
"""The table of databases: name, card and loader of each. Nothing is imported to list them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from precordia.core.errors import unknown_name
from precordia.datasets.card import DatasetCard, read_dataset_card

#: name of each database and the function that finds its records in a folder
DATABASES = {
    "ptbxl": "precordia.datasets.ptbxl:find_ptbxl",
    "ludb": "precordia.datasets.ludb:find_ludb",
    "mitdb": "precordia.datasets.mitdb:find_mitdb",
    "nstdb": "precordia.datasets.nstdb:find_nstdb",
    "cinc2011": "precordia.datasets.cinc2011:find_cinc2011",
    "cinc2017": "precordia.datasets.cinc2017:find_cinc2017",
    "cinc2020": "precordia.datasets.cinc2020:find_cinc2020",
    "cinc2021": "precordia.datasets.cinc2021:find_cinc2021",
    "cpsc2018": "precordia.datasets.cpsc2018:find_cpsc2018",
    "cpsc2021": "precordia.datasets.cpsc2021:find_cpsc2021",
    "chapman_ningbo": "precordia.datasets.chapman_ningbo:find_chapman_ningbo",
    "georgia": "precordia.datasets.georgia:find_georgia",
    "sph": "precordia.datasets.sph:find_sph",
    "code15": "precordia.datasets.code15:find_code15",
    "sami_trop": "precordia.datasets.sami_trop:find_sami_trop",
    "mimic_iv_ecg": "precordia.datasets.mimic_iv_ecg:find_mimic_iv_ecg",
    "apnea_ecg": "precordia.datasets.apnea_ecg:find_apnea_ecg",
    "exercise_ecg": "precordia.datasets.exercise_ecg:find_exercise_ecg",
    "deepbeat": "precordia.datasets.deepbeat:find_deepbeat",
    "folder": "precordia.datasets.folder:find_folder",
}


def list_datasets() -> tuple[str, ...]:
    """Return the names of the databases that `load_dataset` knows.

    Examples
    --------
    >>> list_datasets()[:3]
    ('ptbxl', 'ludb', 'mitdb')
    """
    return tuple(DATABASES)


@cache
def dataset_card(name: str) -> DatasetCard:
    """Return the card of a database.

    Raises
    ------
    UnknownNameError
        If there is none of that name.

    Examples
    --------
    >>> dataset_card("ptbxl").n_patients
    18869
    """
    if name not in DATABASES:
        raise unknown_name("dataset", name, DATABASES, listing="list_datasets()")
    return read_dataset_card(files("precordia.datasets") / f"{name}.toml")
