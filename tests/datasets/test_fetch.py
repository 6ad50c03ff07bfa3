# SPDX-License-Identifier: Apache-2.0
"""Fetching, from a server on this machine that misbehaves as servers do."""

import hashlib
import http.server
import json
import re
import subprocess
import sys
import threading

import numpy as np
import pytest

from precordia.core.errors import FormatError, OptionError, OutputError
from precordia.core.settings import settings
from precordia.datasets import download
from precordia.datasets.checksums import parse_checksums, safe_parts
from precordia.datasets.databases import dataset_card, list_datasets
from precordia.datasets.download import check_address, fetch_file
from precordia.datasets.fetch import fetch_dataset


class _Server(http.server.ThreadingHTTPServer):
    """Serve files from memory; break off after ``breaks[path]`` bytes, once for each entry."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.breaks, self.asked = {}, {}, []
        self.ranges, self.status, self.moved, self.busy = True, {}, {}, {}
        self.url = f"http://127.0.0.1:{self.server_port}/"


class _Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server, path = self.server, self.path.lstrip("/")
        server.asked.append((path, self.headers.get("Range")))
        if path in server.moved:
            self.send_response(302)
            self.send_header("Location", server.moved[path])
            self.end_headers()
            return
        if server.busy.get(path):
            self.send_error(server.busy[path].pop())
            return
        if path in server.status or path not in server.files:
            self.send_error(server.status.get(path, 404))
            return
        content = server.files[path]
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        begin = int(asked[1]) if asked and server.ranges else 0
        if begin >= len(content) and begin:
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        stops = server.breaks.get(path, [])
        end = begin + stops.pop(0) if stops else len(content)
        self.wfile.write(content[begin:end])
        self.wfile.flush()
        self.close_connection = True


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "_pause", lambda *_, **__: None)
    running = _Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def _sums(files):
    return "".join(f"{hashlib.sha256(c).hexdigest()}  {n}\n" for n, c in files.items()).encode()


@pytest.fixture
def published(server):
    """A database of three files with its list of checksums."""
    noise = np.random.default_rng(0).bytes
    files = {"RECORDS": b"100\n", "100.dat": noise(300_000), "deep/er/101.dat": noise(5000)}
    server.files = {**files, "SHA256SUMS.txt": _sums(files)}
    return files


def test_a_database_is_fetched_and_is_what_it_should_be(server, published, tmp_path):
    done = fetch_dataset("mitdb", tmp_path / "new", confirmed=True, url=server.url)
    assert (done.n_files, done.n_fetched, done.n_kept) == (3, 3, 0)
    for name, content in published.items():
        assert (tmp_path / "new" / name).read_bytes() == content
    assert not list(tmp_path.rglob("*.part"))
    assert "3 files" in str(done)


def test_a_fetch_that_broke_off_goes_on_from_there(server, published, tmp_path):
    server.breaks["100.dat"] = [100_000, 50_000]
    fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    assert (tmp_path / "100.dat").read_bytes() == published["100.dat"]
    asked = [said for path, said in server.asked if path == "100.dat"]
    assert asked == [None, "bytes=100000-", "bytes=150000-"]


def test_what_came_is_kept_when_the_server_dies_and_the_next_call_goes_on(
    server, published, tmp_path
):
    server.breaks["100.dat"] = [100_000, *[0] * 10]
    with pytest.raises(OutputError, match="start again later and it goes on"):
        fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    assert (tmp_path / "100.dat.part").stat().st_size == 100_000
    assert not (tmp_path / "100.dat").exists()
    server.breaks.clear()
    done = fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    assert (tmp_path / "100.dat").read_bytes() == published["100.dat"]
    assert (done.n_kept, done.n_bytes) == (1, 200_000 + 5000)


def test_a_list_of_files_that_broke_off_is_asked_for_again(server, published, tmp_path):
    # The first line whole and nothing of the others: a list of one file, to all appearance.
    server.breaks["SHA256SUMS.txt"] = [server.files["SHA256SUMS.txt"].index(b"\n") + 1]
    done = fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    assert done.n_files == 3
    assert (tmp_path / "SHA256SUMS.txt").read_bytes() == server.files["SHA256SUMS.txt"]


def test_a_list_of_files_that_always_breaks_off_is_no_smaller_database(server, published, tmp_path):
    server.breaks["SHA256SUMS.txt"] = [server.files["SHA256SUMS.txt"].index(b"\n") + 1] * 10
    with pytest.raises(OutputError, match="broke off"):
        fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_sentence(server, published, tmp_path):
    (tmp_path / "file").write_text("mine")
    for place in ("file", "file/deeper"):
        with pytest.raises(OutputError, match="cannot be made"):
            fetch_dataset("mitdb", tmp_path / place, confirmed=True, url=server.url)
    assert (tmp_path / "file").read_text() == "mine"


def test_two_fetches_into_one_folder_do_not_disturb_each_other(server, published, tmp_path):
    fetching = (
        "import sys; from precordia.datasets.fetch import fetch_dataset\n"
        "try: fetch_dataset('mitdb', sys.argv[1], confirmed=True, url=sys.argv[2])\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    told = []

    def meanwhile(files):
        command = [sys.executable, "-c", fetching, str(tmp_path), server.url]
        told.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        yield from files

    done = fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url, watch=meanwhile)
    assert done.n_fetched == 3
    assert told[0].startswith("OutputError another process is writing into")


def test_a_server_that_is_busy_for_a_moment_is_asked_again_for_its_list(
    server, published, tmp_path
):
    server.busy["SHA256SUMS.txt"] = [503, 429]
    assert fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url).n_fetched == 3


def test_a_server_without_ranges_begins_anew(server, published, tmp_path):
    server.ranges = False
    server.breaks["100.dat"] = [100_000]
    fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    assert (tmp_path / "100.dat").read_bytes() == published["100.dat"]


def test_a_leftover_of_something_else_is_replaced(server, published, tmp_path):
    for size in (1000, 300_000, 400_000):
        (tmp_path / "100.dat.part").write_bytes(b"x" * size)
        fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
        assert (tmp_path / "100.dat").read_bytes() == published["100.dat"]
        (tmp_path / "100.dat").unlink()


def test_files_that_are_there_and_right_are_not_fetched_again(server, published, tmp_path):
    fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    (tmp_path / "RECORDS").write_text("damaged")
    server.asked.clear()
    done = fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    assert (done.n_fetched, done.n_kept) == (1, 2)
    assert [path for path, _ in server.asked] == ["SHA256SUMS.txt", "RECORDS"]


def test_a_file_that_is_not_what_its_checksum_says_is_not_kept(server, published, tmp_path):
    server.files["100.dat"] = b"another"
    with pytest.raises(OutputError, match="not what its checksum says, after two attempts"):
        fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    assert not list(tmp_path.glob("100*"))


def test_a_part_can_be_fetched_and_tables_come_with_it(server, published, tmp_path):
    done = fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url, only=["deep/*"])
    assert done.n_files == 3
    server.files["SHA256SUMS.txt"] = _sums({"a/1": b"", "b/2": b""})
    server.files["a/1"] = b""
    done = fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url, only=["a/*"])
    assert done.n_files == 1
    with pytest.raises(OptionError, match="no file of 'mitdb' fits"):
        fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url, only=["z/*"])


def test_a_source_of_the_challenge_is_fetched_alone(server, tmp_path):
    files = {"training/georgia/g1/E1.hea": b"1", "training/ptb/g1/S1.hea": b"2"}
    server.files = {**files, "SHA256SUMS.txt": _sums(files)}
    done = fetch_dataset("georgia", tmp_path, confirmed=True, url=server.url)
    assert done.n_files == 1
    assert (tmp_path / "training/georgia/g1/E1.hea").exists()


BY_HAND = ("sph", "folder", "exercise_ecg", "deepbeat")


@pytest.mark.parametrize("name", [n for n in list_datasets() if n not in BY_HAND])
def test_nothing_is_fetched_without_a_yes_and_the_question_states_what_matters(name, tmp_path):
    with pytest.raises(OptionError, match=r"Nothing was fetched.*--yes") as told:
        fetch_dataset(name, tmp_path / "x", url="http://127.0.0.1:9/")
    card = dataset_card(name)
    size = int(card.fetch.get("bytes", 0))
    said = re.search(
        r"brings (about ([\d.]+) ([kMG])B|an amount that is not known)", str(told.value)
    )
    assert said
    assert bool(said[2]) == bool(size)
    if size:
        unit = {"k": 1e3, "M": 1e6, "G": 1e9}[said[3]]
        assert float(said[2]) * unit == pytest.approx(size, rel=0.01)
    assert " from 127.0.0.1 into " in str(told.value)
    assert f"licence {card.licence} ({card.url})" in str(told.value)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", BY_HAND)
def test_what_cannot_be_fetched_says_how_to_get_it(name, tmp_path):
    with pytest.raises(OptionError, match="cannot be fetched"):
        fetch_dataset(name, tmp_path, confirmed=True)


@pytest.mark.parametrize("name", list_datasets())
def test_what_is_told_of_getting_a_database_can_be_done(name):
    told = dataset_card(name).how_to_get
    assert ("precordia dataset fetch" in told) == (name not in BY_HAND)
    assert told.endswith(".")


def test_offline_is_respected(server, published, tmp_path, monkeypatch):
    monkeypatch.setenv("PRECORDIA_OFFLINE", "1")
    settings.cache_clear()
    try:
        with pytest.raises(OptionError, match="PRECORDIA_OFFLINE is set"):
            fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert server.asked == []


@pytest.mark.parametrize("url", ["file:///etc/", "ftp://a.b/", "/etc/", "", "https:///x", "data:,"])
def test_only_http_and_https_are_addresses(url, tmp_path):
    with pytest.raises(OptionError, match="no address of http"):
        check_address(url)


@pytest.mark.parametrize("name", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirection_elsewhere_is_not_followed(name, server, tmp_path):
    server.moved["SHA256SUMS.txt"] = name
    with pytest.raises((OptionError, OutputError)):
        fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    assert list(tmp_path.iterdir()) == []


def test_a_redirection_over_http_is_followed(server, published, tmp_path):
    server.files["elsewhere"] = server.files.pop("100.dat")
    server.moved["100.dat"] = f"{server.url}elsewhere"
    fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    assert (tmp_path / "100.dat").read_bytes() == published["100.dat"]


@pytest.mark.parametrize(
    "name", ["../out.dat", "/etc/out.dat", "a/../../out.dat", "C:\\out.dat", "a\\..\\out", "a:b"]
)
def test_no_path_leads_out_of_the_folder(name, server, tmp_path):
    server.files = {name.lstrip("/"): b"x", "SHA256SUMS.txt": _sums({name: b"x"})}
    target = tmp_path / "inside"
    with pytest.raises(FormatError, match="not to be trusted"):
        fetch_dataset("mitdb", target, confirmed=True, url=server.url)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FormatError):
        safe_parts(name)


def test_no_link_leads_out_of_the_folder(server, published, tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (inside / "deep").symlink_to(outside)
    with pytest.raises(OutputError, match="through a link"):
        fetch_dataset("mitdb", inside, confirmed=True, url=server.url)
    assert list(outside.iterdir()) == []


def test_refusals_of_the_server_are_sentences(server, published, tmp_path):
    server.status["100.dat"] = 403
    with pytest.raises(OutputError, match="answers 403"):
        fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    server.status["100.dat"] = 503
    with pytest.raises(OutputError, match="5 times in a row"):
        fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    server.status["SHA256SUMS.txt"] = 404
    with pytest.raises(OutputError, match="answers 404"):
        fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)


def test_a_server_that_is_not_there_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(download, "_pause", lambda *_, **__: None)
    with pytest.raises(OutputError, match="does not answer"):
        fetch_file("http://127.0.0.1:9/x", tmp_path / "x")


def test_a_damaged_list_is_a_sentence(server, tmp_path):
    server.files["SHA256SUMS.txt"] = b"<html>moved</html>"
    with pytest.raises(FormatError, match="64 hexadecimal digits"):
        fetch_dataset("mitdb", tmp_path, confirmed=True, url=server.url)
    assert parse_checksums("") == {}


def _zenodo(server, **changes):
    content = b"exam_id,age\n"
    entry = {
        "key": "exams.csv",
        "size": len(content),
        "checksum": "md5:" + hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "links": {"self": f"{server.url}content"},
        **changes,
    }
    listed = json.dumps({"files": [entry]}).encode()
    server.files = {"content": content, "api": listed}
    return content


def test_a_record_of_zenodo_is_fetched_by_its_own_list(server, tmp_path):
    content = _zenodo(server)
    done = fetch_dataset("code15", tmp_path, confirmed=True, url=f"{server.url}api")
    assert done.n_bytes == len(content)
    assert (tmp_path / "exams.csv").read_bytes() == content


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "../exams.csv"}, {"links": {"self": "file:///etc/passwd"}}, {"links": None},
        {"checksum": "crc:1"}, {"size": "many"}, {"size": 10**15}, {"checksum": "md5:00"},
    ],
)  # fmt: skip
def test_a_false_record_of_zenodo_writes_nothing(changes, server, tmp_path):
    _zenodo(server, **changes)
    with pytest.raises((FormatError, OptionError, OutputError)):
        fetch_dataset("code15", tmp_path / "x", confirmed=True, url=f"{server.url}api")
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
