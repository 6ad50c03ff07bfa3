# SPDX-License-Identifier: Apache-2.0
import dataclasses

import pytest

from precordia.core.errors import OptionError
from precordia.datasets.dataset import load_dataset
from precordia.datasets.splits import split_dataset


@pytest.fixture
def many(tmp_path):
    rows = [f"{n}.csv,p{n // 3},a" for n in range(3000)]
    (tmp_path / "labels.csv").write_text("path,patient_id,label\n" + "\n".join(rows))
    return load_dataset("folder", tmp_path, check_files=False)


def test_a_draw_has_about_the_shares_that_were_asked(many):
    split = split_dataset(many, fractions=(0.6, 0.2, 0.2), seed=3)
    shares = [len(part) / len(many) for part in split.parts().values()]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.04)


def test_a_patient_stays_in_the_same_part_whatever_else_is_there(many):
    whole = split_dataset(many, seed=1)
    where = {item.name: part for part, held in whole.parts().items() for item in held}
    few = dataclasses.replace(many, items=many.items[500:700][::-1])
    for part, held in split_dataset(few, seed=1).parts().items():
        assert all(where[item.name] == part for item in held)


def test_another_seed_divides_otherwise(many):
    names = [{i.name for i in split_dataset(many, seed=seed).test} for seed in (0, 1)]
    assert names[0] != names[1]


def test_wrong_shares_and_unknown_methods_are_refused(many):
    with pytest.raises(OptionError, match="three shares"):
        split_dataset(many, fractions=(0.5, 0.6, 0.1))
    with pytest.raises(OptionError, match="three shares"):
        split_dataset(many, fractions=(0.5, 0.5))
    with pytest.raises(OptionError, match="'published' or 'hash'"):
        split_dataset(many, method="random")
    with pytest.raises(OptionError, match="'drop' or 'keep'"):
        split_dataset(many, shared_patients="some")


def test_a_database_without_folds_has_no_published_split(small):
    dataset = load_dataset("ludb", small("ludb"))
    with pytest.raises(OptionError, match="no published folds"):
        split_dataset(dataset, method="published")


def test_a_patient_on_both_sides_is_left_out_of_training_with_a_word(small):
    dataset = load_dataset("mitdb", small("mitdb"))
    assert any(r.code == "patient-in-two-folds" for r in dataset.remarks)
    split = split_dataset(dataset)
    names = {part: [i.name for i in held] for part, held in split.parts().items()}
    assert names == {"train": ["101"], "validation": [], "test": ["100", "202"]}
    said = {r.code: r.text for r in split.remarks}
    assert "1 record of them left out" in said["patient-in-two-parts"]
    assert "1 record in no part" in said["outside-published-parts"]


def test_the_published_split_can_be_kept_as_it_is(small):
    dataset = load_dataset("mitdb", small("mitdb"))
    split = split_dataset(dataset, shared_patients="keep")
    assert [i.name for i in split.train] == ["101", "201"]


def test_databases_of_the_same_people_are_divided_alike(small, tiny):
    ptbxl, challenge = small("ptbxl"), small("cinc2021")
    for k in (2, 3, 5, 6):
        tiny.write_wfdb(challenge / f"HR0000{k}", comments=["Dx: 426783006"], matlab=True)
    folder = ptbxl / "ptbxl_database.csv"
    pairs = [
        (
            load_dataset("ptbxl", ptbxl, task="all"),
            load_dataset("cinc2021", challenge, task="all", ptbxl_table=folder),
        ),
        (
            load_dataset("cinc2021", challenge, task="all"),
            load_dataset("chapman_ningbo", challenge, task="all"),
        ),
        (
            load_dataset("cinc2021", challenge, task="all"),
            load_dataset("georgia", challenge, task="all"),
        ),
        (load_dataset("mitdb", small("mitdb")), load_dataset("nstdb", small("nstdb"))),
    ]
    tiny.write_wfdb(pairs[3][0].folder / "118", leads=["MLII", "V1"], fs=360)
    tiny.write_marks(pairs[3][0].folder / "118.atr", [(100, "N")])
    pairs[3] = (load_dataset("mitdb", pairs[3][0].folder), pairs[3][1])
    for one, other in pairs:
        assert {i.group for i in one} & {i.group for i in other}
        for seed in range(8):
            split = split_dataset(one, method="hash", seed=seed)
            again = split_dataset(other, method="hash", seed=seed)
            where = {i.group: part for part, held in split.parts().items() for i in held}
            for part, held in again.parts().items():
                assert all(where.get(i.group, part) == part for i in held)


def test_own_folds_are_used_and_without_them_patients_are_drawn(small):
    folder = small("folder")
    dataset = load_dataset("folder", folder)
    split = split_dataset(dataset)
    assert split.method == "published"
    assert [len(part) for part in split.parts().values()] == [2, 1, 1]
    table = folder / "labels.csv"
    table.write_text(table.read_text().replace(",fold", ",part"))
    assert split_dataset(load_dataset("folder", folder)).method == "hash"


def test_nights_of_one_body_are_kept_on_one_side(small):
    dataset = load_dataset("apnea_ecg", small("apnea_ecg"))
    split = split_dataset(dataset)
    assert [i.name for i in split.train] == ["a01", "b01", "c01"]
    assert [i.name for i in split.test] == ["x01"]
    assert any(r.code == "patients-inferred" for r in dataset.remarks)
