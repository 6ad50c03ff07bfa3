# SPDX-License-Identifier: Apache-2.0
"""Catalogue a folder on one core: recordings a second, and memory as the folder grows.

No peer makes such a table; what is compared is the memory at two sizes. The files are real ones of
PTB-XL, linked under new names; ``python benchmarks/speed/catalogue.py 100000`` does it for as many.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (2000, 8000)
SMOKE = (40, 80)
_RUN = (
    "import sys, time; from precordia.cataloguing.catalogue import catalogue;"
    "start = time.perf_counter(); made = catalogue(sys.argv[1], sys.argv[2]);"
    "print(time.perf_counter() - start, made.summary.n_files,"
    " next(int(s.split()[1]) for s in open('/proc/self/status') if s[:6] == 'VmHWM:') / 1024)"
)


def fill(folder: Path, headers: list[Path], n: int) -> None:
    """Make n records out of a few: the headers are written anew, the signals are linked."""
    texts = [(header.stem, header.read_text(), header.with_suffix(".dat")) for header in headers]
    for k in range(n):
        stem, text, signal = texts[k % len(texts)]
        place = folder / f"{k // 1000:03d}"
        place.mkdir(exist_ok=True)
        (place / f"r{k:06d}.hea").write_text(text.replace(stem, f"r{k:06d}"))
        os.link(signal, place / f"r{k:06d}.dat")


def measured(headers: list[Path], n: int) -> tuple[float, float]:
    """Seconds and peak memory in MB of one run in a process of its own."""
    beside = headers[0].parent
    with tempfile.TemporaryDirectory(dir=beside if os.access(beside, os.W_OK) else None) as held:
        folder = Path(held)
        (folder / "in").mkdir()
        local = [_copied(header, folder) for header in headers]
        fill(folder / "in", local, n)
        done = subprocess.run(
            [sys.executable, "-c", _RUN, str(folder / "in"), str(folder / "out.csv")],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    seconds, count, peak = map(float, done.stdout.split())
    assert count == n
    return seconds, peak


def _copied(header: Path, folder: Path) -> Path:
    for path in (header, header.with_suffix(".dat")):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder / header.name


def compare(headers, smoke):
    few, many = SMOKE if smoke else SIZES
    plain = [h for h in headers if h.with_suffix(".dat").is_file()][:100]
    _, small = measured(plain, few)
    seconds, large = measured(plain, many)
    yield "catalogue", "precordia", "rate", many / seconds, "records/s"
    yield f"catalogue of {few:,}", "precordia", "memory", small, "MB"
    yield f"catalogue of {many:,}", "precordia", "memory", large, "MB"
    yield "catalogue", f"{many:,} files against {few:,}", "memory ratio", large / small, ""


if __name__ == "__main__":
    from precordia.benchmarking.speed import list_headers

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    n_files = int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[1]
    data = Path(os.environ.get("PRECORDIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
    with tempfile.TemporaryDirectory() as scratch:
        found = [h for h in list_headers(data, Path(scratch)) if h.with_suffix(".dat").is_file()]
        start = time.perf_counter()
        took, peak_mb = measured(found[:100], n_files)
        print(
            f"{n_files:,} files: {n_files / took:.0f} records/s on one core, {peak_mb:.0f} MB at "
            f"most ({time.perf_counter() - start:.0f} s with making the files)"
        )
