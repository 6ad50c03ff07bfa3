# SPDX-License-Identifier: Apache-2.0
"""Commands with a language model: a server of the test's own, and none at all."""

from __future__ import annotations

import json
import threading
import warnings
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from precordia.cli.main import command_line, main
from precordia.generation.simulate import simulate
from precordia.io.write import write

SAID = ["No, the QRS is not wide.", "The heart rate is 75 bpm.", "Atrial fibrillation."]


PROMPTS: list[str] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        PROMPTS.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        said = json.dumps({"sentences": [{"text": text, "facts": []} for text in SAID]})
        content = json.dumps({"choices": [{"message": {"content": said}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the format has no place for the truth of a simulation
        place = tmp_path_factory.mktemp("ecg") / "a.edf"
        return str(write(simulate(heart_rate_bpm=75, seed=1), place))


@pytest.fixture(scope="module")
def asked():
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield ["--backend", "endpoint", "--set", f"base_url={url}", "--set", "model=tiny"]
    server.shutdown()
    server.server_close()


def test_ask_prints_the_answer_and_the_checked_words(file: str, asked: list[str]) -> None:
    run = CliRunner().invoke(command_line(), ["ask", file, "Is the QRS wide?", *asked])
    assert run.exit_code == 0
    assert run.stdout.startswith("no\nNo, the QRS is not wide. The heart rate is 75 bpm.\n")
    assert "fibrillation" not in run.stdout
    run = CliRunner().invoke(command_line(), ["ask", file, "Is the QRS wide?", *asked, "--json"])
    held = json.loads(run.stdout)
    assert held["answer"]["answers"] == ["no"]
    assert [one["text"] for one in held["removed"]] == ["Atrial fibrillation."]
    run = CliRunner().invoke(
        command_line(), ["ask", file, "Is the QRS wide?", *asked, "--keep-unverified"]
    )
    assert "[not verified: Atrial fibrillation.]" in run.stdout


def test_report_is_phrased_and_written(file: str, asked: list[str], tmp_path: Path) -> None:
    target = tmp_path / "report.txt"
    run = CliRunner().invoke(command_line(), ["report", file, *asked, "-o", str(target)])
    assert run.exit_code == 0
    assert "The heart rate is 75 bpm." in target.read_text()
    held = json.loads(CliRunner().invoke(command_line(), ["report", file, *asked, "--json"]).stdout)
    assert held["removed"]
    assert held["report"]["sentences"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--backend", "endpoint", "--set", "base_url=https://h.example.org", "--set", "model=x"],
         "--remote"),
        (["--backend", "endpont"], "endpoint"),
        (["--backend", "endpoint"], "base_url"),
        (["--backend", "endpoint", "--set", "nonsense"], "KEY=VALUE"),
        (["--backend", "endpoint", "--set", "timeout_s=soon"], "number"),
        (["--backend", "endpoint", "--set", "key=sk-1"], "key_variable"),
        (["--set", "model=x"], "--backend"),
        (["--remote"], "--backend"),
        (["--backend", "recorded", "--set", "file=none.json", "--remote"], "--remote"),
        (["--backend", "recorded", "--set", "file=none.json"], "none.json"),
    ],
)  # fmt: skip
def test_mistakes_are_sentences(
    file: str, capsys: pytest.CaptureFixture, given: list[str], words: str
) -> None:
    for command in (["ask", file, "Is the QRS wide?"], ["report", file]):
        with pytest.raises(SystemExit) as left:
            main([*command, *given])
        shown = capsys.readouterr()
        assert left.value.code == 2
        assert words in shown.err
        assert "Traceback" not in shown.err
        assert "sk-1" not in shown.err


def test_an_endpoint_that_is_down_leaves_the_answer(file: str) -> None:
    down = ["--backend", "endpoint", "--set", "base_url=http://localhost:9", "--set", "model=x"]
    run = CliRunner().invoke(command_line(), ["ask", file, "Is the QRS wide?", *down])
    assert run.exit_code == 0
    assert "Nobody answers" in run.stdout
    assert "QRS duration 89 ms" in run.stdout


def test_alike_recordings_of_an_index_are_shown_to_the_model_alone(
    file: str, asked: list[str], tmp_path: Path
) -> None:
    folder, index = tmp_path / "others", tmp_path / "alike"
    folder.mkdir()
    for k in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the format has no place for the truth
            write(simulate(heart_rate_bpm=60 + k, seed=5 + k), folder / f"other{k}.edf")
    table = tmp_path / "labels.csv"
    table.write_text("file,patient,labels\nother0.edf,p0,LVH\nother1.edf,p1,LVH\n", "utf-8")
    made = ["index", str(folder), "--to", str(index), "--table", str(table)]
    run = CliRunner().invoke(command_line(), made)
    assert run.exit_code == 0, run.output
    del PROMPTS[:]
    for command in (["ask", file, "Is the QRS wide?"], ["report", file]):
        run = CliRunner().invoke(command_line(), [*command, *asked, "--similar-in", str(index)])
        assert run.exit_code == 0, run.output
        assert "LVH" in PROMPTS[-1]
        assert "p0" not in PROMPTS[-1]
        assert "other0" not in PROMPTS[-1]
        with pytest.raises(SystemExit) as end:
            main([*command, "--similar-in", str(index)])
        assert end.value.code == 2
