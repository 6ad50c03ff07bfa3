# SPDX-License-Identifier: Apache-2.0
"""Run every benchmark, ours and the peers', and write the results as CSV.

python benchmarks/run.py --data ../shared/data            all, about 20 minutes
python benchmarks/run.py --data ../shared/data --smoke    a few recordings each, nothing written
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import subprocess
import sys
import tempfile
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path

import peers

from precordia import __version__
from precordia.benchmarking.benchmark import benchmark, describe_machine
from precordia.benchmarking.speed import list_headers
from precordia.benchmarking.table import rows_of, write_table
from precordia.core.errors import PrecordiaError
from precordia.core.scores import Score, Scores
from precordia.core.source import Source

HERE = Path(__file__).resolve().parent
TASKS = ("rpeaks", "delineation", "quality", "speed")
SMOKE_RECORDS = 3
SPEED = (
    *("read_wfdb", "read_devices", "detect_rpeaks", "delineate_and_measure", "day_of_rpeaks"),
    *("classify", "catalogue", "start_up", "augment", "linear_probe", "pretrain"),
)


def commit() -> str:
    """Short name of the commit; a plus where the sources differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=HERE, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "../src")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def peers_of(task: str):
    for name, function in peers.PEERS.get(task, {}).items():
        method = getattr(peers, function)
        method.__name__ = name
        yield name, method


def scores_of(task: str, data: Path | None, *, smoke: bool, with_peers: bool):
    """Our methods, then each peer that is installed."""
    limit = SMOKE_RECORDS if smoke else None
    yield benchmark(task, data=data, limit=limit)
    if not with_peers:
        return
    if task == "speed":
        yield speed_against_peers(data, smoke=smoke)
    for name, method in peers_of(task):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scores = benchmark(task, data=data, method=method, limit=limit)
        except ImportError as error:
            print(f"{name} was left out: {error}", file=sys.stderr)
            continue
        note = "other library, default settings"
        rows = tuple(
            dataclasses.replace(score, note=note)
            for score in scores
            if not score.subject.endswith(", all leads")  # no peer gives joint bounds
        )
        yield dataclasses.replace(scores, scores=rows)


def speed_against_peers(data: Path | None, *, smoke: bool) -> Scores:
    start, rows = time.perf_counter(), []
    with tempfile.TemporaryDirectory() as scratch:
        headers = list_headers(data, Path(scratch))[: 5 if smoke else None]
        for name in SPEED:
            try:
                compare = importlib.import_module(f"speed.{name}").compare
            except ImportError as error:
                print(f"{name} was left out: {error}", file=sys.stderr)
                continue
            for subject, method, metric, value, unit in compare(headers, smoke):
                rows.append(
                    Score(
                        task="speed",
                        database="this machine",
                        method=method,
                        subject=subject,
                        metric=metric,
                        value=value,
                        unit=unit,
                        note="in turn with its peers, best of the rounds",
                    )
                )
    return Scores(
        task="speed",
        scores=tuple(rows),
        hardware=describe_machine(),
        date=datetime.now(UTC).date().isoformat(),
        seconds=time.perf_counter() - start,
        source=Source(method="benchmark:speed", version=__version__),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data")
    parser.add_argument("--smoke", action="store_true", help="a few recordings, nothing written")
    parser.add_argument("--no-peers", action="store_true", help="our methods only")
    parser.add_argument("--out", type=Path, help="folder of the CSV files")
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=", ".join(TASKS))
    arguments = parser.parse_args()
    data = arguments.data if arguments.data.is_dir() else None
    out = arguments.out or (None if arguments.smoke else HERE / "results")
    failed = False
    for task in arguments.tasks or TASKS:
        rows = []
        try:
            parts = scores_of(task, data, smoke=arguments.smoke, with_peers=not arguments.no_peers)
            for scores in parts:
                print(scores, end="\n\n", flush=True)
                rows += rows_of(scores, commit=commit())
        except PrecordiaError as error:
            print(f"{task}: {error}", file=sys.stderr)
            failed = failed or data is not None
        if out is not None and rows:
            out.mkdir(parents=True, exist_ok=True)
            print(f"{write_table(rows, out / f'{task}.csv')}: {len(rows)} rows", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
