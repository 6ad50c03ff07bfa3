# SPDX-License-Identifier: Apache-2.0
"""How fast the stages are on this machine: the protocol."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from precordia.benchmarking.protocol import Run
from precordia.benchmarking.timing import best_process_seconds, best_seconds, printed_numbers
from precordia.core.errors import FormatError
from precordia.core.record import Carried, Record
from precordia.core.scores import Score
from precordia.core.settings import settings
from precordia.delineation.delineate import delineate
from precordia.delineation.rpeaks import detect_rpeaks
from precordia.generation.simulate import simulate
from precordia.io.read import read
from precordia.io.write import write
from precordia.measurement.measure import measure
from precordia.plotting.plot import plot
from precordia.quality.assess import assess

MOST_RECORDS = 80
HOLTER_HOURS = 24.0
_SIMULATED = 20
NOTES = (
    "Speed: best of several rounds, one process; a busy machine makes every figure worse. "
    "Twelve leads of 10 s at 500 Hz (PTB-XL where the folder has it, simulated otherwise).",
    "raw read: numpy.fromfile of the same bytes, scaled to float32 millivolts. Processes: from the "
    "call to the exit, with modules compiled before, as installing a package does.",
)
#: prints seconds, peak memory and memory before, MiB; argument: hours of one lead at 360 Hz
HOLTER = """
import resource, sys, time
import numpy as np
from precordia.core.record import Record
from precordia.delineation.rpeaks import detect_rpeaks
from precordia.generation.simulate import simulate

def memory(line):
    try:  # ru_maxrss would count the process that started this one
        lines = open("/proc/self/status").read().splitlines()
        return int(next(l for l in lines if l.startswith(line)).split()[1]) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

part = simulate("sinus", fs=360, seconds=60, noise="muscle", snr_db=20, seed=1).signal[1]
signal = np.empty((1, part.size * max(1, round(60 * float(sys.argv[1])))), np.float32)
signal.reshape(-1, part.size)[:] = part
record = Record(signal=signal, fs=360.0, leads=("II",))
detect_rpeaks(Record(signal=signal[:, :36000], fs=360.0, leads=("II",)))
before = memory("VmRSS")
start = time.perf_counter()
n = len(detect_rpeaks(record))
seconds = time.perf_counter() - start
print(seconds, memory("VmHWM"), before, n)
"""
IMPORT = "import time; t = time.perf_counter(); import precordia; print(time.perf_counter() - t)"


def score_speed(run: Run) -> list[Score]:
    """Time every stage.

    Parameters
    ----------
    run
        ``limit`` bounds the number of records and, below 24, the hours of the long record; with
        a limit there is one round only.

    Returns
    -------
    Rates and times.
    """
    with tempfile.TemporaryDirectory() as folder:
        headers = run.chosen(list_headers(run.data, Path(folder), most=run.limit))
        stages = (_reading, _stages, _drawing, _long_record, _processes)
        return [
            run.score(subject, metric, value, unit=unit)
            for stage in run.watch(stages, "speed")
            for subject, metric, value, unit in stage(headers, run)
        ]


def _rounds(run: Run) -> int:
    return 3 if run.limit is None else 1


def list_headers(data: Path | None, scratch: Path, *, most: int | None = None) -> list[Path]:
    """Return headers of 12 x 5000 samples: PTB-XL's, or made in the scratch folder.

    Raises
    ------
    FormatError
        If a folder was named that is not there.
    """
    root = data if data is not None else settings().data
    if root is not None and not root.is_dir():
        raise FormatError(
            f"there is no folder '{root}'; recordings of PTB-XL are looked for in it. Name another "
            "with data= (--data), or none, for simulated ones."
        )
    found = sorted(root.glob("ptbxl/records500/**/*.hea")) if root is not None else []
    if found:
        return found[:MOST_RECORDS]
    for seed in range(min(most or _SIMULATED, _SIMULATED)):
        made = simulate("sinus", heart_rate_bpm=55 + 2 * seed, seed=seed)
        plain = dataclasses.replace(made, carried=Carried())  # as a cart records it
        write(plain, scratch / f"s{seed}.hea")
    return sorted(scratch.glob("*.hea"))


Rows = Iterator[tuple[str, str, float, str]]


def read_raw(header: Path) -> np.ndarray:
    """Read the samples of a header's signal file as numbers and nothing else: the floor."""
    counts = np.fromfile(header.with_suffix(".dat"), np.int16)
    return counts.reshape(-1, 12).T.astype(np.float32) * np.float32(1e-3)


def _reading(headers: list[Path], run: Run) -> Rows:
    ours, floor = best_seconds(
        [lambda: [read(h) for h in headers], lambda: [read_raw(h) for h in headers]],
        rounds=2 * _rounds(run),
    )
    yield "read WFDB, 12 x 5000", "rate", len(headers) / ours, "records/s"
    yield "read WFDB, of the rate of a raw read", "ratio", floor / ours, ""


def _stages(headers: list[Path], run: Run) -> Rows:
    records = [read(h) for h in headers[:40]]
    single = [Record(signal=r.signal[1:2], fs=r.fs, leads=r.leads[1:2]) for r in records]
    times = best_seconds(
        [
            lambda: [detect_rpeaks(r) for r in single],
            lambda: [measure(r, delineate(r)) for r in records],
            lambda: [delineate(r) for r in records],
            lambda: [assess(r) for r in records],
            lambda: [simulate("sinus", seed=k) for k in range(len(records))],
        ],
        rounds=_rounds(run),
    )
    n = len(records)
    yield "R-peaks, one lead", "rate", n / times[0], "records/s"
    yield "delineate and measure, 12 leads", "rate", n / times[1], "records/s"
    yield "delineate, 12 leads", "rate", n / times[2], "records/s"
    yield "assess, 12 leads", "time", 1000 * times[3] / n, "ms"
    yield "simulate, 12 leads of 10 s", "rate", n / times[4], "records/s"


def _drawing(headers: list[Path], run: Run) -> Rows:
    records = [read(h) for h in headers[:10]]
    (drawn,) = best_seconds([lambda: [plot(r).svg for r in records]], rounds=_rounds(run))
    yield "SVG page", "time", 1000 * drawn / len(records), "ms"
    sizes = [len(plot(r).svg.encode()) for r in records]
    yield "SVG page, its size", "size", float(np.median(sizes)) / 1024, "KiB"
    with tempfile.TemporaryDirectory() as folder:
        drawing, path = plot(records[0]), Path(folder) / "page.png"
        (saved,) = best_seconds([lambda: drawing.save(path)], rounds=_rounds(run))
    yield "PNG page, after the first", "time", 1000 * saved, "ms"


def _long_record(headers: list[Path], run: Run) -> Rows:
    hours = HOLTER_HOURS if run.limit is None else min(HOLTER_HOURS, float(run.limit))
    seconds, peak, before, _ = printed_numbers(HOLTER, str(hours))
    subject = f"R-peaks, {hours:g} h of one lead at 360 Hz"
    yield subject, "time", seconds, "s"
    yield f"{subject}, peak memory", "memory", peak, "MiB"
    yield f"{subject}, memory before", "memory", before, "MiB"


def _processes(headers: list[Path], run: Run) -> Rows:
    yield "import precordia", "time", 1000 * printed_numbers(IMPORT, rounds=_rounds(run))[0], "ms"
    help_s = best_process_seconds(["-m", "precordia", "--help"], rounds=_rounds(run))
    yield "process: precordia --help", "time", 1000 * help_s, "ms"
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["-m", "precordia", "examine", str(headers[0]), "-o", folder, "--force"]
        examine_s = best_process_seconds(arguments, rounds=_rounds(run))
        yield "process: precordia examine", "time", 1000 * examine_s, "ms"
