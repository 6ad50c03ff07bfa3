# SPDX-License-Identifier: Apache-2.0
"""Train another model on the same recordings in the same parts, and compare in pairs.

python benchmarks/classifier/baseline.py --data ../shared/data --work /tmp/classifier

It takes the recordings, and what `run.py` found apart, from --work. The recipe is that of the
PTB-XL benchmark (Strodthoff et al., doi:10.1109/JBHI.2020.3022989): crops of 2.5 s, one cycle up to
a rate of 0.01, weight decay 0.01, batches of 128; the largest logit of seven crops counts.
Departures: 25 epochs rather than 50, crops of a fixed distance of 1.25 s.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from evaluate import groups_of, macro_with_interval, paired
from recordings import load_recordings
from run import LEAST_RECORDS, N_PARTS

from precordia.core.leads import STANDARD_12
from precordia.models.load_model import load_model

_CROP, _STEP, _BATCH = 250, 125, 128


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the databases")
    parser.add_argument("--work", type=Path, required=True, help="folder that run.py filled")
    parser.add_argument("--model", default="xresnet1d101", help="a name of list_models()")
    parser.add_argument("--epochs", type=int, default=25)
    given = parser.parse_args()
    torch.set_num_threads(1)
    held = load_recordings(given.data, given.work / "recordings.npz")
    teach = np.flatnonzero((held.folds >= 1) & (held.folds <= 8))
    often = (held.labels[teach] > 0).sum(0) >= LEAST_RECORDS
    columns = [k for k in range(len(held.classes)) if k < 5 or often[k]]
    labels = held.labels[teach][:, columns].astype(np.float32)
    windows = torch.from_numpy(held.windows[teach])
    part = (held.folds[teach] - 1) * N_PARTS // 8
    theirs = np.zeros(labels.shape)
    for number in range(N_PARTS):
        mine = part == number
        model = _fit(given, windows[~mine], torch.from_numpy(labels[~mine]), seed=number)
        theirs[mine] = _logits(model, windows[mine])
        print(f"part {number} done", flush=True)
    ours, who = np.load(given.work / "twelve_apart.npy"), held.patients[teach]
    for name, group in groups_of(tuple(held.classes[k] for k in columns), labels).items():
        alone = macro_with_interval(labels, theirs, who, group)
        more = paired(labels, ours, theirs, who, group)
        print(f"{name}: {given.model} {_text(alone)}; precordia-12lead has {_text(more)} more")


def _fit(given: argparse.Namespace, windows, labels, *, seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = load_model(
        given.model, n_outputs=labels.shape[1], leads=STANDARD_12, n_samples=_CROP, fs=100
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-2)
    n_steps = given.epochs * (len(windows) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=n_steps + 1)
    model.train()
    for _ in range(given.epochs):
        order = rng.permutation(len(windows))
        for start in range(0, len(order) - _BATCH + 1, _BATCH):
            rows = order[start : start + _BATCH]
            begin = rng.integers(0, windows.shape[2] - _CROP + 1, len(rows))
            crops = [windows[k, :, b : b + _CROP] for k, b in zip(rows, begin, strict=True)]
            loss = F.binary_cross_entropy_with_logits(model(torch.stack(crops)), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return model.eval()


@torch.no_grad()
def _logits(model: torch.nn.Module, windows) -> np.ndarray:
    begins = range(0, windows.shape[2] - _CROP + 1, _STEP)
    parts = [
        torch.stack([model(rows[:, :, b : b + _CROP]) for b in begins]).amax(0)
        for rows in windows.split(_BATCH)
    ]
    return torch.cat(parts).numpy()


def _text(values: tuple) -> str:
    middle, low, high = values
    return f"{middle:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
