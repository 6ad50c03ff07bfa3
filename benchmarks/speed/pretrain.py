# SPDX-License-Identifier: Apache-2.0
"""A step of pretraining beside plain code of the same loss: records a second of every objective.

A step is all that the training loop does with a batch: views, loss, gradients, the optimiser, and
what follows a step, such as moving a teacher. Plain code (benchmarks/pretraining/straightforward)
is what one writes down first, with the same encoder and batch: views window by window, a pass for
each view, losses window by window or step by step, AdamW and the teacher as PyTorch's manual shows
them. Both are timed in turn, and the median of the steps is taken, so that what else runs on the
machine hurts both alike. With one thread, seconds are of the processor: waiting for it does not
count; with more they are those of the clock.

python benchmarks/speed/pretrain.py                                prints the table by itself
python benchmarks/speed/pretrain.py --objectives jepa,cpc --threads 2 --json
"""

from __future__ import annotations

import argparse
import copy
import gc
import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from precordia.core.leads import STANDARD_12
from precordia.core.registry import load_object
from precordia.delineation.rpeaks import rpeaks_of_signal
from precordia.generation.simulate import simulate
from precordia.models.load_model import load_model
from precordia.signal.resample import resample
from precordia.training.objective import Objective
from precordia.training.objective_row import Row
from precordia.training.objective_table import OBJECTIVES
from precordia.training.optimiser import optimiser_of
from precordia.training.settings import TrainingSettings
from precordia.training.unlabelled_batch import UnlabelledBatch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pretraining"))

#: share of the training that is done: words of HeartLang are learned by then
PROGRESS = 0.5
SETTINGS = TrainingSettings()


def make_batch(n: int, row: Row, *, fs: float, seconds: float) -> UnlabelledBatch:
    """Return windows of simulated recordings, as many as an objective needs of each."""
    rng, signals, peaks = np.random.default_rng(0), [], []
    for seed in range(min(n, 8)):
        record = simulate("sinus", seed=seed)
        signal = resample(np.asarray(record.signal, float), record.fs, fs)
        signals.append(signal[:, : round(fs * seconds)])
        peaks.append(torch.from_numpy(np.asarray(rpeaks_of_signal(signals[-1], fs))))
    noise = 0.01 * rng.normal(size=(n, *signals[0].shape))
    rows = torch.arange(n)
    pairs = row.grouping == "neighbours"
    return UnlabelledBatch(
        windows=torch.from_numpy(np.stack([signals[k % len(signals)] for k in range(n)]) + noise)
        .float()
        .contiguous(),
        present=torch.ones(n, len(STANDARD_12), dtype=torch.bool),
        patients=rows if row.grouping == "records" else rows // 2,
        records=rows // 2 if pairs else rows,
        starts=(rows % 2) * round(fs * seconds) if pairs else 0 * rows,
        fs=fs,
        leads=STANDARD_12,
        ages=torch.from_numpy(rng.uniform(30, 90, n)).float(),
        males=torch.from_numpy(rng.integers(0, 2, n)).float(),
        rpeaks=tuple(peaks[k % len(peaks)] for k in range(n)) if "rpeaks" in row.needs else None,
    )


def make_objective(row: Row, *, fs: float, seconds: float) -> Objective:
    """Return an objective with the encoder and the options of its row."""
    torch.manual_seed(0)
    encoder = load_model(
        row.architecture,
        n_outputs=0,
        leads=STANDARD_12,
        seconds=seconds,
        fs=fs,
        **row.model_options,
    )
    return load_object(row.path)(encoder, **row.options).train()


def our_step(objective: Objective, batch: UnlabelledBatch) -> Callable[[], object]:
    """Return a step as the training loop takes it."""
    optimiser = optimiser_of(objective, SETTINGS)
    generator = torch.Generator().manual_seed(0)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        objective(batch, PROGRESS, generator).loss.backward()
        optimiser.step()
        objective.after_step(PROGRESS)

    return step


def plain_step(name: str, objective: Objective, batch: UnlabelledBatch) -> Callable[[], object]:
    """Return a step of plain code."""
    plain = importlib.import_module(f"straightforward.{name}")
    change = importlib.import_module("straightforward.change_windows").ChangeWindows()
    learning = [p for p in objective.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=SETTINGS.lr, weight_decay=SETTINGS.weight_decay)
    slow = []
    if hasattr(objective, "teacher"):
        held = objective.teacher.module
        parts = [objective.encoder]
        if held is not objective.encoder and isinstance(held, torch.nn.ModuleList):
            parts.append(getattr(objective, "projector", None) or objective.heads)
        taught = [p for part in parts for p in part.parameters()]
        slow = list(zip(held.parameters(), taught, strict=True))

    def step() -> None:
        optimiser.zero_grad()
        plain.step(objective, batch, change).backward()
        optimiser.step()
        with torch.no_grad():
            for theirs, ours in slow:
                theirs.mul_(0.99).add_(0.01 * ours)

    return step


def medians(steps: list[Callable[[], object]], n: int) -> list[float]:
    """Return the median time of each step, s, taken in turn after one that is not counted."""
    taken: list[list[float]] = [[] for _ in steps]
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    collecting = gc.isenabled()
    gc.disable()
    try:
        for k in range(n + 1):
            for which, step in enumerate(steps):
                began = clock()
                step()
                if k:
                    taken[which].append(clock() - began)
            gc.collect()
    finally:
        if collecting:
            gc.enable()
    return [statistics.median(times) for times in taken]


def measure(name: str, *, batch_size: int = 64, n_steps: int = 5) -> dict[str, float | str]:
    """Return records a second of an objective and of plain code, and their ratio."""
    row = OBJECTIVES[name]
    told = {"fs": 100.0, "seconds": 10.0} | dict(row.input)
    batch, ours = make_batch(batch_size, row, **told), make_objective(row, **told)
    theirs = copy.deepcopy(ours)
    seconds = medians([our_step(ours, batch), plain_step(name, theirs, batch)], n_steps)
    return {
        "objective": name,
        "architecture": row.architecture,
        "batch_size": batch_size,
        "records_per_s": batch_size / seconds[0],
        "plain_records_per_s": batch_size / seconds[1],
        "ratio": seconds[1] / seconds[0],
    }


def compare(headers, smoke: bool) -> Iterator[tuple]:
    """Give the rows of benchmarks/results/speed.csv."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name in OBJECTIVES:
            told = measure(name, batch_size=8 if smoke else 64, n_steps=1 if smoke else 5)
            subject = f"step of pretraining by {name}"
            yield subject, "precordia", "rate", told["records_per_s"], "records/s"
            yield subject, "plain PyTorch", "rate", told["plain_records_per_s"], "records/s"
            yield subject, "precordia against plain PyTorch", "ratio", told["ratio"], ""
    finally:
        torch.set_num_threads(threads)


def main() -> None:
    """Print a line for each objective."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objectives", default=",".join(OBJECTIVES), help="names, with commas")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=5, help="steps of which the median is taken")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    names = arguments.objectives.split(",")
    for name in set(names) - set(OBJECTIVES):
        parser.error(f"there is no objective '{name}'; known are {', '.join(OBJECTIVES)}.")
    torch.set_num_threads(arguments.threads)
    rows, before = [], os.getloadavg()[0]
    if not arguments.json:
        print(f"{'objective':12} {'records/s':>10} {'plain':>10} {'ratio':>6}")
    for name in names:
        told = measure(name, batch_size=arguments.batch_size, n_steps=arguments.steps)
        rows.append(told)
        if not arguments.json:
            rates = f"{told['records_per_s']:10.1f} {told['plain_records_per_s']:10.1f}"
            print(f"{name:12} {rates} {told['ratio']:6.2f}", flush=True)
    load = [before, os.getloadavg()[0]]
    if arguments.json:
        print(json.dumps({"threads": arguments.threads, "load": load, "objectives": rows}))
    else:
        print(f"{arguments.threads} thread(s); load of the machine {load[0]:.1f} to {load[1]:.1f}")


if __name__ == "__main__":
    main()
