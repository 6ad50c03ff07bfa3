# SPDX-License-Identifier: Apache-2.0
"""A graph whose vector is the mean square of each lead: who is near to whom is known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from precordia.cli.main import _exit_code
from precordia.core.embedding import Embedding
from precordia.core.errors import (
    FormatError,
    MissingFileError,
    OptionError,
    OutputError,
    SignalError,
)
from precordia.core.leads import STANDARD_12
from precordia.core.neighbours import Neighbour
from precordia.core.record import Patient, Record
from precordia.core.settings import settings
from precordia.core.source import Source
from precordia.datasets.item import Item
from precordia.datasets.store import open_store
from precordia.datasets.store_build import build_store
from precordia.embedding import index as index_file
from precordia.embedding.embed import embed
from precordia.embedding.fill_index import index_files, index_store, read_index_table
from precordia.embedding.index import Encoder, Indexed, append_to_index, open_index
from precordia.embedding.similar import similar
from precordia.io.write import write

SECRET = "Heisenberg-1901"


@pytest.fixture(scope="module")
def model(tiny_graph, tmp_path_factory):
    return str(tiny_graph.build(tmp_path_factory.mktemp("graph")))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PRECORDIA_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    yield
    settings.cache_clear()


def record(strong, patient=None, seed=0):
    """Return a record whose leads have these amplitudes."""
    shape = (12, 1000)
    signal = np.sign(np.random.default_rng(seed).normal(size=shape)) * np.asarray(strong)[:, None]
    return Record(signal=signal, fs=100.0, leads=STANDARD_12, patient=Patient(patient_id=patient))


def limb(level, seed=0, patient=None):
    """Return a record with limb leads of one amplitude and precordial ones of another."""
    return record([1.0] * 6 + [level] * 6, patient, seed)


@pytest.fixture
def folder(tmp_path, model):
    """Give an index of four recordings of three patients, with texts."""
    levels = {"a": (0.10, SECRET), "b": (0.30, SECRET), "c": (0.35, "other"), "d": (2.0, "")}
    rows = []
    for name, (level, patient) in levels.items():
        held = limb(level, patient=patient or None)
        about = Indexed(
            name=name,
            labels=(name.upper(),),
            report=f"text of {name}",
            patient=patient,
            digest=index_digest(held),
        )
        rows.append((about, embed(held, model=model)))
    append_to_index(tmp_path / "index", rows, model=model, texts=True)
    return tmp_path / "index"


def index_digest(held):
    from precordia.embedding.vector_cache import digest_of

    return digest_of(held)


def test_neighbours_are_those_of_the_nearest_vectors(folder):
    found = similar(limb(0.28, seed=1), folder, k=3)
    assert [n.name for n in found] == ["b", "c", "a"]
    assert [n.labels for n in found] == [("B",), ("C",), ("A",)]
    ours, theirs = np.r_[[1.0] * 6, [0.28**2] * 6], np.r_[[1.0] * 6, [0.09] * 6]
    cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
    assert found.neighbours[0].similarity == pytest.approx(cosine, abs=1e-6)
    assert found.n_searched == 4
    assert found.neighbours[0].report == "text of b"


def test_the_patient_s_own_recordings_are_left_out_when_asked(folder):
    asked = limb(0.29, seed=1, patient=SECRET)
    assert [n.same_patient for n in similar(asked, folder, k=4)] == [True, False, True, None]
    found = similar(asked, folder, k=4, exclude_same_patient=True)
    assert [n.name for n in found] == ["c", "d"]
    assert (found.n_searched, found.n_left_out, found.notes) == (2, 2, ())


def test_a_patient_who_cannot_be_told_apart_is_told(folder):
    for patient, said in ((None, "nothing says whose"), ("new", "goes by this patient's key")):
        asked = limb(0.29, seed=1, patient=patient)
        found = similar(asked, folder, exclude_same_patient=True)
        assert len(found) == 4
        assert said in found.notes[0]
        assert similar(asked, folder).notes == ()


def test_this_very_recording_is_known_again_and_left_out(folder):
    found = similar(limb(0.30, patient="somebody"), folder)
    assert found.neighbours[0].same_recording
    assert found.neighbours[0].similarity == pytest.approx(1.0)
    assert "the same recording" in str(found)
    for way in ({"exclude_same_recording": True}, {"exclude_same_patient": True}):
        assert "b" not in [n.name for n in similar(limb(0.30, patient="x"), folder, **way)]


def test_no_key_of_a_patient_lies_in_the_index_or_is_printed(folder):
    for path in folder.iterdir():
        assert SECRET.encode() not in path.read_bytes()
    found = similar(limb(0.29, patient=SECRET), folder)
    assert SECRET not in found.to_json() + str(found) + repr(open_index(folder))
    assert SECRET not in repr(Indexed(name="a", patient=SECRET))
    hashes = {entry.patient for entry in open_index(folder).entries}
    assert len(hashes) == 3
    assert not hashes & set(found.to_json().split('"'))


def test_two_indexes_hash_the_same_patient_differently(folder, tmp_path, model):
    row = (Indexed(name="a", patient=SECRET), embed(limb(0.1), model=model))
    other = append_to_index(tmp_path / "other", [row])
    assert other.entries[0].patient != open_index(folder).entries[0].patient


def test_texts_are_kept_only_where_they_were_asked_for(tmp_path, model):
    row = (Indexed(name="a", report="Mrs Jones, seen"), embed(limb(0.1), model=model))
    append_to_index(tmp_path / "index", [row], model=model)
    assert b"Jones" not in b"".join(p.read_bytes() for p in (tmp_path / "index").iterdir())
    assert similar(limb(0.1), tmp_path / "index").neighbours[0].report == ""
    with pytest.raises(OptionError, match="without texts"):
        append_to_index(tmp_path / "index", [row], texts=True)


def test_an_index_grows_and_takes_nothing_twice(folder, model):
    more = [(Indexed(name=name, digest="1"), embed(limb(0.3), model=model)) for name in "aez"]
    assert len(append_to_index(folder, more, texts=True)) == 7
    assert len(append_to_index(folder, more, texts=True)) == 7
    grown = open_index(folder)
    assert [e.name for e in grown.entries] == [*"abcd", *"aez"]
    assert len(grown.vectors) == 2
    assert isinstance(grown.vectors[0], np.memmap)


def test_vectors_of_another_encoder_are_refused_in_a_sentence(folder, model, tiny_graph, tmp_path):
    with pytest.raises(OptionError, match="cannot be compared"):
        similar(limb(0.3), folder, embedding=other_encoder(model, "version"))
    for change in ("model", "version", "spec"):
        row = (Indexed(name="x"), other_encoder(model, change))
        with pytest.raises(OptionError, match="cannot be compared"):
            append_to_index(folder, [row], texts=True)
    rows = [(Indexed(name="x"), embed(limb(1.0), model=model)), row]
    with pytest.raises(OptionError, match="different encoders"):
        append_to_index(tmp_path / "new", rows)
    assert not (tmp_path / "new" / "index.json").exists()


def other_encoder(model, change):
    made = embed(limb(0.3), model=model)
    if change == "model":
        return replace(made, model="another")
    changed = {"version": "beef"} if change == "version" else {"parameters": {"spec": "x"}}
    source = {"version": made.source.version, "parameters": made.source.parameters} | changed
    return replace(made, source=Source(method="embed", **source))


def test_one_folder_of_weights_may_be_named_from_anywhere(model, tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    made = replace(embed(limb(0.3), model=model), model="run")
    monkeypatch.chdir(tmp_path)
    held = append_to_index("own", [(Indexed(name="x"), made)])
    assert similar(limb(0.3), "own", embedding=made)
    held.check(Encoder.of(replace(made, model=str(tmp_path / "run"))))
    with pytest.raises(OptionError, match="different encoders"):
        held.check(Encoder.of(replace(made, model="another")))


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_run_that_is_cut_short_leaves_the_index_as_it_was(folder, model, monkeypatch, after):
    """The power fails before the vectors, before the table, or before the index is replaced."""
    kept = {p.name: p.read_bytes() for p in folder.iterdir()}
    real, calls = index_file.write_text_whole, []

    def failing(text, path, **options):
        calls.append(path)
        if len(calls) >= after:
            raise KeyboardInterrupt
        return real(text, path, **options)

    monkeypatch.setattr(index_file, "write_text_whole", failing)
    if not after:
        monkeypatch.setattr(index_file.np, "save", failing)
    row = (Indexed(name="new"), embed(limb(0.7), model=model))
    with pytest.raises(KeyboardInterrupt):
        append_to_index(folder, [row], texts=True)
    monkeypatch.undo()
    assert {name: (folder / name).read_bytes() for name in kept} == kept
    assert len(open_index(folder)) == 4
    assert len(append_to_index(folder, [row], texts=True)) == 5


def test_a_change_by_another_process_is_not_overwritten(folder, model, monkeypatch):
    one, two = ((Indexed(name=n), embed(limb(0.7), model=model)) for n in ("one", "two"))
    real = index_file._write_part

    def meanwhile(*args, **options):
        monkeypatch.undo()
        append_to_index(folder, [two], texts=True)
        return real(*args, **options)

    monkeypatch.setattr(index_file, "_write_part", meanwhile)
    with pytest.raises(OutputError, match="somebody else"):
        append_to_index(folder, [one], texts=True)
    assert open_index(folder).entries[-1].name == "two"


def test_damage_is_a_sentence(folder, tmp_path):
    with pytest.raises(MissingFileError, match="precordia index"):
        open_index(tmp_path / "nowhere")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    vector = Embedding(vector=np.zeros(2), model="m", windows=np.zeros((1, 2)), covers=[[0, 1]])
    with pytest.raises(OutputError, match="no index"):
        append_to_index(tmp_path / "full", [(Indexed(name="x"), vector)])
    about = json.loads((folder / "index.json").read_text())
    part = folder / f"{about['parts'][0]['file']}.npy"
    whole = part.read_bytes()
    for damage in (whole[:-4], b"", whole.replace(b"f4", b"O8")):
        part.write_bytes(damage)
        with pytest.raises(FormatError, match="damaged"):
            open_index(folder)
    part.write_bytes(whole)
    for damage in ("{", "[]", json.dumps({"version": 1}), json.dumps({"version": 9})):
        (folder / "index.json").write_text(damage)
        with pytest.raises(FormatError):
            open_index(folder)


def test_a_folder_of_files_is_indexed_with_its_table(tmp_path, model):
    (tmp_path / "archive").mkdir()
    for k, level in enumerate((0.1, 0.5, 2.0)):
        place = tmp_path / "archive" / f"r{k}.edf"
        write(limb(level, patient=f"p{k}"), place, identifiers=True)
    (tmp_path / "archive" / "broken.edf").write_bytes(b"no recording")
    table = tmp_path / "known.csv"
    table.write_text("file,labels,report\nr0,MI; CD,old infarct\nr1.edf,NORM,\nr9,MI,\n")
    files = sorted((tmp_path / "archive").glob("*.edf"))
    known = read_index_table(table)
    filled = index_files(files, tmp_path / "i", model=model, known=known, texts=True)
    assert (filled.n_indexed, filled.n_before, len(filled.problems)) == (3, 0, 1)
    assert filled.n_unused == 1
    assert index_files(files, tmp_path / "i", model=model, texts=True).n_indexed == 3
    held = open_index(tmp_path / "i").entries
    assert [e.labels for e in held] == [("MI", "CD"), ("NORM",), ()]
    assert [e.report for e in held] == ["old infarct", "", ""]
    assert all(e.patient for e in held)


def test_a_row_that_could_mean_two_files_is_refused(tmp_path, model):
    files = []
    for ward, level in (("east", 0.1), ("west", 2.0)):
        (tmp_path / ward).mkdir()
        write(limb(level), tmp_path / ward / "r0.edf")
        files.append(tmp_path / ward / "r0.edf")
    table = tmp_path / "known.csv"
    table.write_text("file,labels\nr0.edf,MI\n")
    with pytest.raises(FormatError, match=r"'r0.edf' could mean '.*east.*' and '.*west"):
        index_files(files, tmp_path / "i", model=model, known=read_index_table(table))
    assert not (tmp_path / "i").exists()
    table.write_text(f"file,labels\n{files[0]},MI\n{files[1]},NORM\n")
    index_files(files, tmp_path / "i", model=model, known=read_index_table(table))
    assert [e.labels for e in open_index(tmp_path / "i").entries] == [("MI",), ("NORM",)]


def test_two_rows_of_a_file_that_differ_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text("file,labels\nr0,MI\nr0,NORM\n")
    with pytest.raises(FormatError, match=r"two rows of 'r0' that differ"):
        read_index_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("file,labels\nr0,MI\nr0,MI\n")
    assert list(read_index_table(tmp_path / "t.csv")) == ["r0"]


def test_what_a_table_says_and_is_not_taken_is_told(tmp_path, model, capsys):
    write(limb(0.1), tmp_path / "r0.edf")
    (tmp_path / "t.csv").write_text("file,labels\nr0,MI\nr9,MI\n")
    words = ["index", tmp_path / "r0.edf", "--to", tmp_path / "i", "--model", model]
    assert _exit_code([*map(str, words)]) == 0
    assert "note" not in capsys.readouterr().out
    assert _exit_code([*map(str, words), "--table", str(tmp_path / "t.csv")]) == 0
    said = capsys.readouterr().out
    assert "1 rows of the table name none of the files" in said
    assert "1 recordings were in the index already, with other labels" in said


def test_a_table_without_its_columns_is_refused(tmp_path):
    for text in ("", "name,labels\n", "file\nx\n", "file,age\nx,1\n"):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(FormatError, match="'file'"):
            read_index_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes(b"file,report\nx,\xff\xfe\n")
    with pytest.raises(FormatError, match="UTF-8"):
        read_index_table(tmp_path / "t.csv")
    with pytest.raises(MissingFileError):
        read_index_table(tmp_path / "none.csv")


def test_a_store_is_indexed_with_its_labels_reports_and_patients(tmp_path, model):
    for k, level in enumerate((0.1, 0.5, 2.0)):
        write(limb(level), tmp_path / f"r{k}.npz")
    items = [
        Item(
            name=f"r{k}",
            path=tmp_path / f"r{k}.npz",
            labels=("MI",) if k else (),
            report=f"report {k}",
            patient=Patient(patient_id=f"p{k}"),
        )
        for k in range(3)
    ]
    build_store(items, tmp_path / "store", name="small")
    store = open_store(tmp_path / "store")
    filled = index_store(store, tmp_path / "i", model=model, texts=True)
    assert (filled.n_indexed, filled.problems) == (3, ())
    found = similar(store.record(1), tmp_path / "i", k=1, exclude_same_patient=True)
    assert found.neighbours[0].name == "small/r0"
    assert found.neighbours[0].report == "report 0"
    whole = similar(store.record(1), tmp_path / "i", k=1).neighbours[0]
    assert (whole.same_recording, whole.same_patient, whole.labels) == (True, True, ("MI",))


def test_both_commands_index_and_list(tmp_path, model, capsys):
    (tmp_path / "archive").mkdir()
    for k, level in enumerate((0.1, 0.5)):
        write(limb(level, patient=SECRET), tmp_path / "archive" / f"r{k}.edf", identifiers=True)
    place = str(tmp_path / "i")
    make = ["index", str(tmp_path / "archive"), "--to", place, "--model", model]
    assert _exit_code([*make, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["added"] == 2
    assert _exit_code(make) == 0
    assert "0 added" in capsys.readouterr().out
    asked = str(tmp_path / "archive" / "r0.edf")
    assert _exit_code(["similar", asked, "--in", place, "-k", "2", "--json"]) == 0
    out = capsys.readouterr().out
    told = json.loads(out)
    assert [n["name"][-6:] for n in told["neighbours"]] == ["r0.edf", "r1.edf"]
    assert told["neighbours"][0]["same_recording"] is True
    assert SECRET not in out
    assert _exit_code(["similar", asked, "--in", place, "--exclude-same-patient"]) == 0
    assert "0 of 0 recordings" in capsys.readouterr().out
    assert _exit_code(["similar", asked, "--in", str(tmp_path / "no")]) == 2
    assert "no index" in capsys.readouterr().err
    assert _exit_code(["similar", asked, "--in", place, "-k", "0"]) == 2


def test_what_is_no_likeness_is_refused():
    with pytest.raises(OptionError):
        Neighbour(name="a", similarity=1.5)
    with pytest.raises((OptionError, SignalError)):
        Neighbour(name="a", similarity=float("nan"))
