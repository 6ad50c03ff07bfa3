# SPDX-License-Identifier: Apache-2.0
import csv

import pytest

from precordia.datasets.challenge_records import CPSC_WORDS, scored_classes, source_of
from precordia.datasets.chapman_ningbo import RHYTHM_GROUPS
from precordia.datasets.dataset import load_dataset


def test_classes_are_those_of_the_scores_own_weights(shared_data):
    evaluation = shared_data / "cinc2021/eval2021"
    with (evaluation / "weights_abbreviations.csv").open() as file:
        names = next(csv.reader(file))[1:]
    with (evaluation / "weights.csv").open() as file:
        codes = next(csv.reader(file))[1:]
    published = {
        code: frozenset(name.split("|"))
        for name, joined in zip(names, codes, strict=True)
        for code in joined.split("|")
    }
    ours = {code: frozenset(name.split("|")) for code, name in scored_classes(2021).items()}
    assert ours == published


def test_concepts_scored_as_one_share_a_class(small):
    dataset = load_dataset("cinc2021", small("cinc2021"))
    labels = {item.name: item.labels for item in dataset}
    assert labels["A0001"] == labels["E00001"] == ("CRBBB|RBBB",)
    assert labels["Q0001"] == ("PAC|SVPB", "AF")
    assert labels["JS00001"] == ("AF", "CLBBB|LBBB")
    assert labels["JS10647"] == ("SB", "CLBBB|LBBB")


def test_left_bundle_branch_block_stands_alone_in_2020():
    classes = scored_classes(2020)
    assert classes["164909002"] == "LBBB"
    assert "733534002" not in classes


def test_sources_are_told_by_name(small):
    dataset = load_dataset("cinc2021", small("cinc2021"))
    assert {item.facts["source"] for item in dataset} == {
        "cpsc_2018", "cpsc_2018_extra", "st_petersburg_incart", "ptb", "ptb-xl", "georgia",
        "chapman_shaoxing", "ningbo",
    }  # fmt: skip
    assert source_of("X1") == ""


def test_the_year_2020_has_no_records_of_chapman(small):
    names = {item.name for item in load_dataset("cinc2020", small("cinc2021"))}
    assert not any(name.startswith("JS") for name in names)


def test_patients_of_ptbxl_are_told_apart_with_its_table(small):
    table = small("ptbxl") / "ptbxl_database.csv"
    dataset = load_dataset("cinc2021", small("cinc2021"), ptbxl_table=table)
    assert dataset["HR00001"].patient.patient_id == "ptbxl-15709"
    assert dataset["A0001"].patient.patient_id is None
    assert any(r.code == "patients-unknown" for r in dataset.remarks)


def test_words_of_cpsc_are_concepts_and_unknown_codes_are_counted(tiny, tmp_path):
    for name, codes in (("A0001", "RBBB"), ("A0002", "AF,PVC"), ("A0003", "123456789")):
        tiny.write_wfdb(tmp_path / name, comments=[f"Dx: {codes}"], matlab=True)
    dataset = load_dataset("cinc2021", tmp_path, task="all")
    labels = {item.name: item.labels for item in dataset}
    assert labels["A0002"] == ("164889003", "164884008")
    assert any("123456789" in r.text for r in dataset.remarks)


def test_the_same_record_in_two_folders_is_kept_once(shared_data):
    dataset = load_dataset("cinc2021", shared_data / "cinc2021", task="all")
    said = [r.text for r in dataset.remarks if r.code == "duplicate-records"]
    assert len(said) == 1
    assert "more than once" in said[0]


def _published(shared_data, column):
    counts = {}
    for part in ("scored", "unscored"):
        with (shared_data / f"cinc2021/eval2021/dx_mapping_{part}.csv").open() as file:
            counts |= {r["SNOMEDCTCode"]: int(r[column]) for r in csv.DictReader(file)}
    return counts


def test_groups_of_rhythms_are_as_large_as_the_paper_says(shared_data):
    """Four groups make up all 10 646 records; sinus irregularity lost its code in the challenge."""
    counts = _published(shared_data, "Chapman_Shaoxing")
    sizes = dict.fromkeys(("SB", "AFIB", "GSVT", "SR"), 0)
    for code, group in RHYTHM_GROUPS.items():
        if code != "195101003":  # two records of a wandering pacemaker beside another rhythm
            sizes[group] += counts.get(code, 0)
    assert sizes == {"SB": 3889, "AFIB": 2225, "GSVT": 2307, "SR": 2225 - 399}


def test_words_of_cpsc_are_all_its_concepts(shared_data):
    counts = _published(shared_data, "CPSC")
    assert set(CPSC_WORDS.values()) == {code for code, n in counts.items() if n}
    assert (counts[CPSC_WORDS["PVC"]], counts[CPSC_WORDS["STE"]]) == (700, 220)


@pytest.mark.parametrize("form", ["original", "challenge"])
def test_cpsc2018_reads_the_same_labels_in_either_form(form, small, tiny, tmp_path):
    if form == "original":
        dataset = load_dataset("cpsc2018", small("cpsc2018"))
    else:
        codes = ("59118001", "426783006", "164889003,59118001,429622005")
        for k, code in enumerate(codes, 1):
            tiny.write_wfdb(tmp_path / f"A000{k}", comments=[f"Dx: {code}"], matlab=True)
        dataset = load_dataset("cpsc2018", tmp_path)
    assert [item.labels for item in dataset] == [("RBBB",), ("Normal",), ("AF", "RBBB", "STD")]
    assert [s.code for s in dataset[2].statements] == ["164889003", "59118001", "429622005"]
    assert dataset[0].read().n_leads == 12
