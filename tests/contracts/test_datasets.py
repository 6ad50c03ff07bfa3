# SPDX-License-Identifier: Apache-2.0
"""What every database owes: a card, a loader, and splits that share no patient."""

import importlib.util
import inspect
import math
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from precordia.core.registry import load_object
from precordia.datasets.databases import DATABASES, dataset_card, list_datasets
from precordia.datasets.dataset import load_dataset
from precordia.datasets.describe import describe_dataset
from precordia.datasets.splits import PARTS, split_dataset
from precordia.datasets.verify import verify_dataset
from precordia.knowledge.codes import find_code, list_codes

_SPEC = importlib.util.spec_from_file_location(
    "tiny_databases", Path(__file__).parents[1] / "datasets" / "tiny_databases.py"
)
tiny = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tiny)

NAMES = list_datasets()
#: a part of the database that is at hand, with the task that it has labels of
REAL = {
    "ptbxl": ("ptbxl", None),
    "ludb": ("ludb", None),
    "mitdb": ("mitdb", None),
    "nstdb": ("nstdb", None),
    "cinc2011": ("cinc2011", None),
    "cinc2017": ("cinc2017", None),
    "cinc2020": ("cinc2021", None),
    "cinc2021": ("cinc2021", None),
    "cpsc2018": ("cinc2021", None),
    "cpsc2021": ("cpsc2021", None),
    "chapman_ningbo": ("cinc2021", None),
    "georgia": ("cinc2021", None),
    "sph": ("cinc2021/a/SPH", None),
    "code15": ("code15", "chagas"),
    "sami_trop": ("code15", "chagas"),
}


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    made = {}

    def build(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            tiny.BUILDERS[name](made[name])
        return made[name]

    return build


def test_every_database_has_a_small_one_and_a_card_and_no_card_is_left_over():
    assert set(tiny.BUILDERS) == set(NAMES)
    cards = {p.name.removesuffix(".toml") for p in files("precordia.datasets").iterdir()
             if p.name.endswith(".toml")}  # fmt: skip
    assert cards == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_is_needed(name):
    card = dataset_card(name)
    assert card.name == name
    assert card.title
    assert card.licence
    assert card.tasks
    assert card.layout
    assert card.patients in ("table", "record")
    assert set(card.folds) <= set(PARTS)
    assert set(card.overlaps) <= set(NAMES)
    for other in card.overlaps:
        assert name in dataset_card(other).overlaps, other
    used = [fold for folds in card.folds.values() for fold in folds]
    assert len(used) == len(set(used))
    kind = card.fetch["kind"]
    assert kind in ("physionet", "zenodo", "by-hand")
    if kind == "by-hand":
        assert card.fetch["advice"]
    else:
        assert card.fetch["url"].startswith("https://")
        assert card.url.startswith(("https://", "http://"))
        assert card.n_records > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_loader_takes_a_folder_and_a_task_and_says_so(name):
    find = load_object(DATABASES[name])
    taken = inspect.signature(find).parameters
    assert list(taken)[:2] == ["folder", "task"]
    for parameter in taken:
        assert parameter in find.__doc__
    for task in dataset_card(name).tasks:
        assert task in find.__doc__


def test_listing_databases_imports_no_loader_and_nothing_heavy():
    code = (
        "import sys\nfrom precordia.datasets.databases import list_datasets, dataset_card\n"
        "[dataset_card(n) for n in list_datasets()]\nprint(' '.join(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert not loaded & {"h5py", "scipy", "pandas", "torch", "precordia.datasets.ptbxl"}


def _owes(dataset, *, reads=2):
    """Check what holds for a database in any form."""
    names = [item.name for item in dataset]
    assert len(names) == len(set(names))
    assert dataset.targets().shape == (len(dataset), len(dataset.classes))
    assert sum(dataset.counts().values()) == dataset.targets().sum()
    for item in dataset:
        assert math.isnan(item.patient.age_years) or 0 <= item.patient.age_years <= 130
        for statement in item.statements:
            if statement.scheme in ("scp-ecg", "snomed-ct") and statement.name:
                assert find_code(statement.code, statement.scheme) is not None
    for item in dataset.items[:reads]:
        record = item.read()
        assert record.fs in dataset.card.fs_hz or not dataset.card.fs_hz
        if len(dataset.card.leads) == 12:
            assert record.leads == dataset.card.leads
        if item.annotation:
            assert len(item.read_annotations()) > 0
    said = describe_dataset(dataset)
    assert said.n_records == len(dataset)
    assert type(said).from_json(said.to_json()) == said
    assert dataset.card.title in str(said)


def _shares_no_patient(dataset):
    splits = [split_dataset(dataset, method="hash", seed=seed) for seed in range(5)]
    if dataset.card.folds:
        splits.append(split_dataset(dataset, method="published"))
    for split in splits:
        groups = [{item.group for item in part} for part in split.parts().values()]
        assert not groups[0] & groups[1]
        assert not groups[0] & groups[2]
        assert not groups[1] & groups[2]
        held = sum(map(len, split.parts().values()))
        assert held == len(dataset) or split.remarks
        assert held == len(dataset) or split.method == "published"


@pytest.mark.parametrize("name", NAMES)
def test_a_small_database_keeps_the_contract(name, built):
    for task in dataset_card(name).tasks:
        if task == "chagas":  # another form of the files
            continue
        dataset = load_dataset(name, built(name), task=task)
        _owes(dataset)
        _shares_no_patient(dataset)


@pytest.mark.parametrize("name", NAMES)
def test_every_record_of_a_small_database_reads(name, built):
    said = verify_dataset(name, built(name))
    assert said.ok, said.unreadable
    assert said.n_read > 0


@pytest.mark.parametrize("name", REAL)
def test_a_real_database_keeps_the_contract_and_shares_no_patient(name, shared_data):
    folder, task = REAL[name]
    if not (shared_data / folder).is_dir():
        pytest.skip(f"NO RECORDINGS of {name} at {shared_data / folder}")
    dataset = load_dataset(name, shared_data / folder, task=task)
    _owes(dataset)
    _shares_no_patient(dataset)


def test_scored_codes_exist_with_the_pairs_both_ways():
    for known in list_codes("snomed-ct"):
        if known.same_as:
            assert find_code(known.same_as, "snomed-ct").same_as == known.code
