# SPDX-License-Identifier: Apache-2.0
import hashlib

import pytest

from precordia.core.errors import FormatError
from precordia.datasets.verify import verify_dataset


def _list(folder):
    files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
    lines = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()} {p.relative_to(folder).as_posix()}"
        for p in files
    ]
    (folder / "SHA256SUMS.txt").write_text("\n".join(lines) + "\n")


def test_a_whole_database_is_right(small):
    folder = small("mitdb")
    _list(folder)
    said = verify_dataset("mitdb", folder)
    assert said.ok
    assert (said.n_listed, said.n_right, said.n_missing, said.n_read) == (15, 15, 0, 5)
    assert "15 of 15 files right" in str(said)
    assert type(said).from_json(said.to_json()) == said


def test_damage_and_what_does_not_read_are_named_and_what_is_missing_is_counted(small):
    folder = small("mitdb")
    _list(folder)
    (folder / "101.dat").write_bytes(b"")
    for end in ("hea", "dat", "atr"):
        (folder / f"202.{end}").unlink()
    said = verify_dataset("mitdb", folder)
    assert not said.ok
    assert said.damaged == ("101.dat",)
    assert (said.n_missing, said.n_read) == (3, 3)
    assert said.unreadable[0].startswith("101: ")
    assert "damaged: 101.dat" in str(said)


def test_without_a_list_records_are_still_read(small):
    said = verify_dataset("ludb", small("ludb"), limit=2)
    assert (said.n_listed, said.n_read, said.ok) == (0, 2, True)
    assert "no SHA256SUMS.txt" in str(said)


def test_a_list_that_leads_out_of_the_folder_is_refused(small):
    folder = small("mitdb")
    (folder / "SHA256SUMS.txt").write_text("0" * 64 + "  ../secret\n")
    with pytest.raises(FormatError, match="not to be trusted"):
        verify_dataset("mitdb", folder)
