# SPDX-License-Identifier: Apache-2.0
"""Every format that is written gives copies that are searched before they exist."""

from __future__ import annotations

import dataclasses
import json
import warnings

import numpy as np
import pytest

from precordia.cli.main import main
from precordia.core.errors import OutputError
from precordia.core.measurements import MedianBeat
from precordia.deidentification import copies
from precordia.deidentification.copies import deidentify_file
from precordia.deidentification.many_copies import deidentify_many
from precordia.deidentification.pseudonyms import Pseudonyms
from precordia.io.formats import FORMATS
from precordia.io.read import read
from precordia.io.write import write

KEY = bytes(range(32))
NAME, NUMBER, WARD = "Wilhelmina Quastenflosser", "PAT-0815-4711", "Kardiologie Nord 7b"

pytestmark = pytest.mark.filterwarnings("ignore:.*no place for")
WRITTEN = [row for row in FORMATS if row.writer and row.reader]
WORDS = (*NAME.split(), NUMBER, WARD, "Zwiebelfisch", "Tuesday", "electrode of")


@pytest.fixture(params=WRITTEN, ids=lambda row: row.name)
def row(request):
    return request.param


@pytest.fixture
def original(tmp_path, row, told):
    """A file of the format that tells everything that the format can tell."""
    place = tmp_path / "ward" / f"Quastenflosser{row.suffixes[0]}"
    place.parent.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return write(told(), place, identifiers=True)
        except Exception:
            return write(told(leads=("I", "II", "V1"), companions=()), place)


def bytes_of(folder) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


def test_a_copy_in_every_format_holds_the_heart_and_nobody(tmp_path, original, row):
    (tmp_path / "out").mkdir()
    copy = deidentify_file(
        original, tmp_path / "out" / f"a{row.suffixes[0]}", pseudonyms=Pseudonyms(KEY)
    )
    content = bytes_of(tmp_path / "out")
    for word in WORDS:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            assert word.lower().encode(encoding) not in content.lower(), word
    before, after = read(original), read(copy.path)
    np.testing.assert_allclose(after.signal, before.signal, atol=2e-4)
    assert after.fs == before.fs
    assert after.patient.name is None
    assert after.patient.birth_date is None
    assert after.patient.patient_id in (None, copy.pseudonym)


def test_a_copy_can_have_another_format(tmp_path, original):
    for suffix in (".edf", ".csv", ".hea"):
        copy = deidentify_file(original, tmp_path / f"b{suffix}", pseudonyms=Pseudonyms(KEY))
        assert read(copy.path).n_leads == read(original).n_leads


def test_a_copy_that_still_tells_is_never_left(tmp_path, monkeypatch, told):
    original = write(told(), tmp_path / "a.edf", identifiers=True)

    def leaky(record, path, **options):
        return write(told() if record.patient.patient_id != "P-0" else record, path, **options)

    monkeypatch.setattr(copies, "write", leaky)
    with pytest.raises(OutputError, match="name") as raised:
        deidentify_file(original, tmp_path / "b.edf", pseudonyms=Pseudonyms(KEY))
    assert not (tmp_path / "b.edf").exists()
    assert "Quast" not in str(raised.value)


def test_a_file_name_that_tells_is_refused(tmp_path, told):
    original = write(told(), tmp_path / "a.edf", identifiers=True)
    with pytest.raises(OutputError, match="name"):
        deidentify_file(original, tmp_path / "quastenflosser.edf", pseudonyms=Pseudonyms(KEY))


def test_an_existing_copy_is_left_as_it_is(tmp_path, told):
    original = write(told(), tmp_path / "a.edf")
    (tmp_path / "b.edf").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        deidentify_file(original, tmp_path / "b.edf", pseudonyms=Pseudonyms(KEY))
    assert (tmp_path / "b.edf").read_text() == "mine"


def test_a_folder_is_copied_and_a_second_run_skips(tmp_path, told):
    ward = tmp_path / "ward"
    (ward / "deep").mkdir(parents=True)
    files = [write(told(), ward / "Quastenflosser.edf", identifiers=True)]
    files.append(write(told(), ward / "deep" / "Quastenflosser.csv", identifiers=True))
    (ward / "bad.dcm").write_bytes(b"nothing")
    files.append(ward / "bad.dcm")
    out = tmp_path / "out"
    out.mkdir()
    first = list(deidentify_many(files, ward, out, key=KEY))
    assert [o.status for o in first] == ["done", "done", "failed"]
    assert first[0].copy.pseudonym == first[1].copy.pseudonym
    assert not any("uast" in p.name for p in out.iterdir())
    assert [o.status for o in deidentify_many(files, ward, out, key=KEY)][:2] == ["skipped"] * 2


def test_the_command_copies_a_folder_and_says_so_in_json(tmp_path, capsys, told):
    (tmp_path / "ward").mkdir()
    write(told(), tmp_path / "ward" / "Quastenflosser.edf", identifiers=True)
    arguments = ["deidentify", str(tmp_path / "ward"), str(tmp_path / "out"), "--json"]
    arguments += ["--key", str(tmp_path / "k"), "--to", "csv", "--mapping", str(tmp_path / "m.csv")]
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0
    told_of = json.loads(capsys.readouterr().out)
    assert (told_of["done"], told_of["failed"]) == (1, 0)
    assert told_of["copies"][0]["path"].endswith(".csv")
    assert (tmp_path / "m.csv").stat().st_mode & 0o077 == 0
    assert NAME not in json.dumps(told_of["copies"])


def test_copies_among_the_originals_are_refused(tmp_path, capsys, told):
    (tmp_path / "ward").mkdir()
    write(told(), tmp_path / "ward" / "a.edf")
    with pytest.raises(SystemExit) as left:
        main(["deidentify", str(tmp_path / "ward"), str(tmp_path / "ward" / "out")])
    assert left.value.code == 2
    assert "inside" in capsys.readouterr().err


def test_words_of_the_markup_and_digits_of_the_median_beat_are_no_leak(tmp_path, told):
    before = told(leads=("I", "II", "V1"), companions=())
    rng = np.random.default_rng(5)
    # Samples of 57 times the step are the digit 9 in UTF-16.
    beat = rng.choice([0.285, 0.05], (3, 600)).astype(np.float32)
    carried = dataclasses.replace(
        before.carried,
        median=MedianBeat(signal=beat, fs=500, leads=before.leads, r_peak=300.0),
        header={"study_description": "ECG"},
    )
    patient = dataclasses.replace(before.patient, patient_id="9999")
    original = write(told(leads=before.leads, companions=(), patient=patient, carried=carried),
                     tmp_path / "a.dcm", identifiers=True)  # fmt: skip
    for row in WRITTEN:
        made = deidentify_file(
            original, tmp_path / f"b-{row.name}{row.suffixes[0]}", pseudonyms=Pseudonyms(KEY)
        )
        assert read(made.path).patient.name is None


def _run(*arguments) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return left.value.code


@pytest.fixture
def ward(tmp_path, told):
    place = tmp_path / "ward"
    place.mkdir()
    for k in range(3):
        write(told(), place / f"a{k}.edf")
    return place


def test_a_mapping_holds_every_copy_of_a_run_that_was_interrupted(tmp_path, ward, monkeypatch):
    from precordia.deidentification import many_copies

    arguments = ["deidentify", ward, tmp_path / "out", "--key", tmp_path / "k"]
    arguments += ["--mapping", tmp_path / "m.csv"]
    work, seen = many_copies._one, []

    def interrupted(path, **told):
        seen.append(path)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return work(path, **told)

    monkeypatch.setattr(many_copies, "_one", interrupted)
    assert _run(*arguments) == 130
    assert _run(*arguments) == 0
    rows = (tmp_path / "m.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == [str(ward / f"a{k}.edf") for k in range(3)]
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_mapping_that_cannot_be_written_is_told_before_any_copy(tmp_path, ward, capsys):
    (tmp_path / "m.csv").write_text("mine")
    for mapping in (tmp_path / "m.csv", tmp_path / "nowhere" / "m.csv"):
        assert _run("deidentify", ward, tmp_path / "out", "--mapping", mapping) == 2
    assert (tmp_path / "m.csv").read_text() == "mine"
    assert not (tmp_path / "out").exists()


def test_pseudonyms_of_two_runs_without_a_key_do_not_mix(tmp_path, ward, capsys):
    assert _run("deidentify", ward, tmp_path / "out") == 0
    assert _run("deidentify", ward, tmp_path / "out") == 2
    assert "--key" in capsys.readouterr().err
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_the_original_is_never_replaced(tmp_path, told, capsys):
    original = write(told(), tmp_path / "a.edf", identifiers=True)
    content = original.read_bytes()
    assert _run("deidentify", original, original, "--force") == 2
    assert _run("deidentify", original, tmp_path) == 2
    assert "folder" in capsys.readouterr().err
    assert original.read_bytes() == content
