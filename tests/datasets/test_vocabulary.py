# SPDX-License-Identifier: Apache-2.0
import csv
import gzip

from precordia.core.statements import Statement
from precordia.datasets.dataset import load_dataset
from precordia.datasets.vocabulary import statements_in


def _scp(*codes):
    return [Statement(code=code, scheme="scp-ecg", likelihood=50.0) for code in codes]


def test_nothing_is_said_that_was_not_stated():
    broad = [Statement(code="164865005", scheme="snomed-ct")]
    assert statements_in("scp-ecg", broad) == ()
    flutter = statements_in("scp-ecg", [Statement(code="164890007", scheme="snomed-ct")])
    assert [s.code for s in flutter] == ["AFLT"]


def test_a_normal_ecg_is_sinus_rhythm_only_when_asked():
    assert statements_in("snomed-ct", _scp("NORM")) == ()
    assert [s.code for s in statements_in("snomed-ct", _scp("NORM"), near=True)] == ["426783006"]


def test_likelihood_is_kept_and_each_code_comes_once():
    said = statements_in("snomed-ct", _scp("IMI", "ASMI", "XYZ"))
    assert [(s.code, s.likelihood) for s in said] == [("164865005", 50.0)]
    assert statements_in("scp-ecg", said[:0] + tuple(_scp("SR"))) == tuple(_scp("SR"))
    assert statements_in("scp-ecg", [Statement(code="words")]) == ()


#: the challenge made these from PTB-XL's column of the axis, not from its statements
_AXIS = {"39732003", "47665007", "251200008"}


def test_what_ptbxl_states_is_what_the_challenge_made_of_it(shared_data):
    """Both forms of the same records: codes of one translate to the codes of the other."""
    stated = {}
    folder = shared_data / "ptbxl_norm/labels_hubert"
    for part in ("train", "val", "test"):
        with gzip.open(folder / f"ptbxl_all_{part}.csv.gz", "rt") as file:
            for row in csv.DictReader(file):
                stated[row["filename"][:7]] = [k for k, v in row.items() if v == "1"]
    dataset = load_dataset("cinc2021", shared_data / "cinc2021", task="all")
    compared = 0
    for item in dataset:
        # Folder a holds headers that somebody changed.
        if item.name in stated and item.path.relative_to(dataset.folder).parts[0] != "a":
            compared += 1
            ours = {s.code for s in statements_in("snomed-ct", _scp(*stated[item.name]), near=True)}
            assert set(item.labels) - _AXIS <= ours, item.name
    assert compared >= 25
