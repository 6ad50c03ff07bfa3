# SPDX-License-Identifier: Apache-2.0
"""Every command answers --help with an example, speaks JSON, and explains a mistake."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date

import pytest

from precordia.cli.main import main
from precordia.core.record import Patient, Record
from precordia.datasets.toy import toy_record
from precordia.generation.simulate import simulate
from precordia.io.write import write

READING = ("info", "assess", "delineate", "measure", "classify")
ALL = (*READING, "examine", "plot", "convert", "simulate", "benchmark", "formats", "statements")
TOY = str(toy_record())

pytestmark = pytest.mark.filterwarnings("ignore:.*has no place for")


def _run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    out = capsys.readouterr()
    return left.value.code, out.out, out.err


@pytest.mark.parametrize("command", ALL)
def test_help_has_an_example(capsys, command):
    code, out, _ = _run(capsys, command, "--help")
    assert code == 0
    assert f"precordia {command}" in out
    assert "Example" in out


@pytest.mark.parametrize("command", READING)
def test_json_is_one_object(capsys, command):
    code, out, err = _run(capsys, command, TOY, "--json")
    assert (code, err) == (0, "")
    assert isinstance(json.loads(out), dict)


@pytest.mark.parametrize("command", READING)
def test_text_is_for_people(capsys, command):
    code, out, _ = _run(capsys, command, TOY)
    assert code == 0
    assert 20 < len(out) < 6000
    assert "array(" not in out


@pytest.mark.parametrize("command", [*READING, "examine", "plot"])
@pytest.mark.parametrize("kind", ["missing", "empty", "text", "folderless"])
def test_a_wrong_file_is_one_sentence_and_code_2(capsys, tmp_path, command, kind):
    path = tmp_path / "x.dcm"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("hello\n" * 50)
    elif kind == "folderless":
        path = tmp_path / "nowhere" / "x.hea"
    code, out, err = _run(capsys, command, str(path))
    assert code == 2
    assert out == ""
    assert err.startswith("precordia: ")
    assert "Traceback" not in err


def test_an_unknown_option_or_command_is_code_2(capsys):
    assert _run(capsys, "measure", TOY, "--nonsense")[0] == 2
    assert _run(capsys, "nonsense")[0] == 2


def test_sentences_name_what_there_is_at_the_terminal(capsys, tmp_path):
    (tmp_path / "ward").mkdir()
    huge = tmp_path / "huge.edf"
    with huge.open("wb") as file:
        file.truncate(3 << 30)  # a hole in the disk
    for arguments, there, here in (
        (["measure", str(tmp_path / "ward")], "in a loop", "'precordia examine'"),
        (["plot", str(toy_record()), "--rhythm", "V9"], "rhythm=", "Choose one of these."),
        (["classify", str(toy_record()), "--method", "rules", "--explain"], "=", "--explain arr"),
        (["info", str(huge)], "allow it with", "or use Python: read(path, max_bytes=3221225472)."),
    ):
        code, _, said = _run(capsys, *arguments)
        assert code == 2
        assert there not in said
        assert here in said


def test_examine_writes_study_report_and_drawing(capsys, tmp_path):
    out = tmp_path / "out"
    code, text, _ = _run(capsys, "examine", TOY, "--output", str(out))
    assert code == 0
    assert {p.name for p in out.iterdir()} == {"study.json", "report.html", "ecg.svg"}
    assert "not a medical device" in text.lower()
    page = (out / "report.html").read_text()
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "Not a medical device" in page


def test_examine_overwrites_only_with_force(capsys, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "study.json").write_text("mine")
    code, _, err = _run(capsys, "examine", TOY, "--output", str(out))
    assert code == 2
    assert "--force" in err
    assert (out / "study.json").read_text() == "mine"
    assert _run(capsys, "examine", TOY, "--output", str(out), "--force")[0] == 0
    assert json.loads((out / "study.json").read_text())


def test_examine_a_folder(capsys, tmp_path):
    code, text, _ = _run(
        capsys, "examine", str(toy_record().parent), "--output", str(tmp_path / "o"), "--json"
    )
    assert code == 0
    assert json.loads(text)["done"] == 1
    assert (tmp_path / "o" / "summary.csv").exists()


def test_convert_round_trips(capsys, tmp_path):
    code, *_ = _run(capsys, "convert", TOY, str(tmp_path / "a.edf"))
    assert code == 0
    assert _run(capsys, "convert", TOY, str(tmp_path / "a.edf"))[0] == 2
    code, out, _ = _run(capsys, "info", str(tmp_path / "a.edf"), "--json")
    assert json.loads(out)["n_samples"] == 5000


@pytest.mark.parametrize(
    ("name", "chosen", "shows"),
    [
        ("a.scp", "compressed=true", None),
        ("a.hea", "fmt=24", b"a.dat 24 "),
        ("a.json", "fhir_version=r4", b'"period"'),
    ],
)
def test_convert_takes_the_options_of_a_format(capsys, tmp_path, name, chosen, shows):
    plain, other = tmp_path / "plain", tmp_path / "other"
    plain.mkdir()
    other.mkdir()
    assert _run(capsys, "convert", TOY, str(plain / name))[0] == 0
    assert _run(capsys, "convert", TOY, str(other / name), "--set", chosen)[0] == 0
    text = (other / name).read_bytes()
    assert text != (plain / name).read_bytes()
    assert shows is None or shows in text


@pytest.mark.parametrize("chosen", ["fmt", "compressed=maybe", "nosuch=1", "overwrite=true"])
def test_wrong_options_of_a_format_are_a_sentence(capsys, tmp_path, chosen):
    code, _, said = _run(capsys, "convert", TOY, str(tmp_path / "a.scp"), "--set", chosen)
    assert code == 2
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_plot_writes_where_it_is_told(capsys, tmp_path):
    for kind in ("svg", "png"):
        code, *_ = _run(capsys, "plot", TOY, "-o", str(tmp_path / f"a.{kind}"), "--waves")
        assert code == 0
        assert (tmp_path / f"a.{kind}").stat().st_size > 1000


def test_identifiers_are_printed_only_when_asked(capsys, tmp_path):
    import dataclasses

    from precordia.core.record import Patient
    from precordia.io.read import read
    from precordia.io.write import write

    someone = dataclasses.replace(read(toy_record()), patient=Patient(patient_id="ID4711"))
    write(someone, tmp_path / "a.edf", identifiers=True)
    for command in ("info", "examine"):
        _, out, err = _run(
            capsys,
            command,
            str(tmp_path / "a.edf"),
            *(["--output", str(tmp_path / "o")] if command == "examine" else []),
        )
        assert "ID4711" not in out + err
    assert "ID4711" not in (tmp_path / "o" / "report.html").read_text()
    assert "ID4711" in _run(capsys, "info", str(tmp_path / "a.edf"), "--patient")[1]


def test_ctrl_c_is_code_130(tmp_path):
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from precordia.cli import main as m\n"
        "import precordia.io.read as r\n"
        "def stop(*a, **k):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    import time; time.sleep(5)\n"
        "r.read = stop\n"
        f"m.main(['measure', {TOY!r}])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 130
    assert run.stderr.strip() == "precordia: interrupted."


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a full device of Linux")
def test_a_full_disk_under_the_output_is_no_mistake_of_ours():
    code = "from precordia.cli.main import main; main(['formats'])"
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=-1, text=True, check=False
        )
    assert run.returncode == 2
    assert run.stderr.startswith("precordia: the system refuses: No space left on device.")
    assert run.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_in_a_batch_is_code_130_and_keeps_what_was_done(tmp_path):
    from precordia.generation.simulate import simulate
    from precordia.io.write import write

    for k in range(60):
        write(simulate(seed=k), tmp_path / "in" / f"{k}.csv") if k else (tmp_path / "in").mkdir()
    code = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in background jobs\n"
        "from precordia.cli.main import main\n"
        "main(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", code, "examine", str(tmp_path / "in"), "--jobs", "2"]
    run = subprocess.Popen(
        [*command, "--output", str(tmp_path / "out")],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for _ in range(600):
        if len(list((tmp_path / "out").glob("*/study.json"))) >= 3:
            break
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Traceback" not in err
    done = list((tmp_path / "out").glob("*/study.json"))
    assert done
    assert all(json.loads(p.read_text()) for p in done)


def test_examine_tells_who_the_patient_is_only_when_asked(capsys, tmp_path):
    told = Patient(patient_id="PAT-4711", name="Quastenflosser", birth_date=date(1931, 7, 9))
    one = simulate(seed=1)
    record = Record(signal=one.signal, fs=one.fs, leads=one.leads, patient=told)
    write(record, tmp_path / "a.edf", identifiers=True)
    for flags, is_told in (([], False), (["--patient"], True)):
        with pytest.raises(SystemExit):
            main(["examine", str(tmp_path / "a.edf"), "-o", str(tmp_path / "s"), "--json",
                  "--force", *flags])  # fmt: skip
        out = capsys.readouterr().out
        held = out + "".join(p.read_text() for p in (tmp_path / "s").iterdir())
        assert [word in held for word in ("PAT-4711", "Quastenflosser", "1931-07-09")] == [
            is_told
        ] * 3


def test_a_tachogram_is_drawn_and_told_in_json(capsys, tmp_path):
    (tmp_path / "rr.txt").write_text("\n".join(str(800 + k % 50) for k in range(100)))
    with pytest.raises(SystemExit) as left:
        main(["plot", str(tmp_path / "rr.txt"), "--format", "rr", "--json", "-o",
              str(tmp_path / "a.svg")])  # fmt: skip
    assert left.value.code == 0
    assert json.loads(capsys.readouterr().out) == {"output": str(tmp_path / "a.svg")}


def test_another_format_of_the_output_is_asked_for_with_its_own_flag(capsys, tmp_path):
    with pytest.raises(SystemExit) as left:
        main(["convert", str(toy_record()), str(tmp_path / "a.xyz")])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "with --to." in said
    assert "--format" not in said
