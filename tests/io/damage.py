# SPDX-License-Identifier: Apache-2.0
"""Read thousands of damaged recordings of every format; print what escaped, as JSON.

python tests/io/damage.py N SEED [FOLDER]      FOLDER: recordings to damage too
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from precordia.core.errors import PrecordiaError
from precordia.core.leads import STANDARD_12
from precordia.core.record import Annotations, Carried, Companion, Patient, Record
from precordia.core.statements import Statement
from precordia.io.find import find_recordings
from precordia.io.formats import FORMATS
from precordia.io.read import read
from precordia.io.write import write

WORDS = (
    *(b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0"),
    *(b"9999999", b"-1  ", b"nan ", b"1e99", b"inf", b"%s", b"..", b"/", b'"'),
    *(b"&x;", b"<!", b"]]>"),
)
LARGEST = 600_000


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return bytes with a few random changes, more often near the beginning."""
    held = bytearray(content)
    limit = 4000 if rng.random() < 0.6 else 1 << 40
    for _ in range(rng.choice((1, 1, 3, 20))):
        if not held:
            break
        at = rng.randrange(min(len(held), limit))
        kind = rng.randrange(7)
        if kind == 0:
            held[at] = rng.randrange(256)
        elif kind == 1:
            del held[at : at + rng.randrange(1, 200)]
        elif kind == 2:
            held[at:at] = rng.randbytes(rng.randrange(1, 40))
        elif kind == 3:
            del held[at:]
        elif kind == 4:
            word = rng.choice(WORDS)
            held[at : at + len(word)] = word
        elif kind == 5:
            held[at] ^= 1 << rng.randrange(8)
        else:
            other = rng.randrange(len(held))
            held[at : at + 20] = held[other : other + 20]
    return bytes(held)


def rich() -> Record:
    """A record that tells as much as a format can hold."""
    rng = np.random.default_rng(0)
    return Record(
        signal=rng.normal(size=(12, 600)).cumsum(axis=1) * 0.02,
        fs=500.0,
        leads=STANDARD_12,
        patient=Patient(patient_id="x", name="a b", age_years=50.0, sex="male"),
        companions=(Companion(name="RESP", signal=np.zeros(150), fs=125.0, unit="mV"),),
        carried=Carried(
            measurements={"pr_ms": 160.0},
            statements=(Statement(code="sinus rhythm"),),
            annotations=Annotations(sample=np.array([50, 300]), symbol=("N", "V")),
        ),
    )


def recordings(folder: Path | None, scratch: Path) -> list[list[Path]]:
    """Write one of every format, and find those of a folder; grouped by their endings."""
    found: list[Path] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row in FORMATS:
            if row.writer is not None:
                place = scratch / row.name
                place.mkdir()
                found.append(write(rich(), place / f"a{row.suffixes[0]}", format=row.name))
    for path in find_recordings(folder) if folder else ():
        if path.is_file() and 0 < path.stat().st_size < LARGEST:
            found.append(path)
    groups: dict[str, list[Path]] = {}
    for path in found:
        # XML of different makers is read by different readers.
        kind = path.parent.name if path.suffix.lower() == ".xml" else path.suffix.lower()
        groups.setdefault(kind, []).append(path)
    return list(groups.values())


def peak_kb() -> int:
    """Most memory held so far; ru_maxrss would count the process that started this one."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # not on Linux


def main() -> None:
    n, seed = int(sys.argv[1]), int(sys.argv[2])
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    rng = random.Random(seed)
    escaped: dict[str, str] = {}
    read_anyway: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    slowest, slowest_file = 0.0, ""
    with tempfile.TemporaryDirectory() as held:
        scratch = Path(held)
        sources = recordings(folder, scratch)
        before = peak_kb()
        for k in range(n):
            source = rng.choice(sources[k % len(sources)])
            place = scratch / "now"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            if source.suffix == ".hea":
                for part in source.parent.glob(f"{source.stem}*.*"):
                    if part.is_file() and part.stat().st_size < LARGEST:
                        shutil.copy(part, place)
            path = place / source.name
            parts = sorted(p for p in place.iterdir() if p.suffix != ".hea")
            if parts and rng.random() < 0.3:  # the signal in place of the header
                part = rng.choice(parts)
                part.write_bytes(damaged(part.read_bytes(), rng))
                shutil.copy(source, path)
            else:
                path.write_bytes(damaged(source.read_bytes(), rng))
            start = time.perf_counter()
            kind = source.suffix.lower()
            try:
                record = read(path)
                read_anyway[kind] += 1
                if record.signal.dtype != np.float32 or np.isinf(record.signal).any():
                    escaped[f"{k} {source.name} signal"] = repr(record)
            except PrecordiaError as error:
                refused[kind] += 1
                said = str(error)
                if not 20 <= len(said) < 700 or not said.replace(str(place), "").isprintable():
                    escaped[f"{k} {source.name} no sentence"] = repr(said[:200])
            except Exception as error:
                escaped[f"{k} {source.name} {type(error).__name__}"] = str(error)[:120]
            took = time.perf_counter() - start
            if took > slowest:
                slowest, slowest_file = took, f"{k} {source.name}"
    peak = peak_kb()
    told = {
        "mutations": n,
        "sources": sum(map(len, sources)),
        "escaped": escaped,
        "read_anyway": dict(read_anyway),
        "refused": dict(refused),
        "slowest_s": round(slowest, 3),
        "slowest": slowest_file,
        "grown_mb": round((peak - before) / 1024),
        "peak_mb": round(peak / 1024),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
