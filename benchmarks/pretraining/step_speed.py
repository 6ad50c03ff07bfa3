# SPDX-License-Identifier: Apache-2.0
"""Time of a step of each masked or predictive objective, beside plain code of the same loss.

python benchmarks/pretraining/step_speed.py                one thread, the sizes of the table
python benchmarks/pretraining/step_speed.py jepa cpc       these alone
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from precordia.core.leads import STANDARD_12
from precordia.core.registry import load_object
from precordia.models.load_model import load_model
from precordia.training.masks import Places, hide_blocks, hide_random
from precordia.training.objective import Objective
from precordia.training.objective_table import OBJECTIVES
from precordia.training.objectives.cpc import cpc_loss

sys.path.insert(0, str(Path(__file__).resolve().parent))
from straightforward import cpc as plain_cpc
from straightforward import jepa as plain_jepa
from straightforward import mae as plain_mae

N_WINDOWS, N_REPEATS = 64, 5
Step = Callable[[], Tensor]


def jepa(objective: Objective, windows: Tensor) -> tuple[Step, Step]:
    """Return our loss and the plain one, with masks drawn anew."""
    generator, teacher = torch.Generator().manual_seed(0), objective.teacher.module

    def ours() -> Tensor:
        places = hide_blocks(N_WINDOWS, 40, n_kept=8, shortest=2, generator=generator)
        with torch.no_grad():
            given = teacher.tokens(windows)
        return objective.loss_of(windows, given, places)

    def plain() -> Tensor:
        places = plain_jepa.sample_places(N_WINDOWS, 40, 8, 2)
        return plain_jepa.jepa_loss(objective, windows, places)

    return ours, plain


def mae(objective: Objective, windows: Tensor) -> tuple[Step, Step]:
    """Return our loss and the plain one, with masks drawn anew."""
    generator = torch.Generator().manual_seed(0)
    present = torch.ones(N_WINDOWS, 12, dtype=torch.bool)

    def drawn() -> Places:
        return hide_random(N_WINDOWS, 40, share=0.75, generator=generator)

    return (
        lambda: objective.loss_of(windows, present, drawn())[0],
        lambda: plain_mae.mae_loss(objective, windows, drawn()),
    )


def cpc(objective: Objective, windows: Tensor) -> tuple[Step, Step]:
    """Return our loss and the plain one, for the same negatives."""
    places = torch.randint(0, 250, (N_WINDOWS, objective.n_within))

    def ours() -> Tensor:
        frames = objective.s4.frames(windows)
        told = objective.foretold(objective.s4.context(frames))
        across = places[:, : objective.n_across]
        return cpc_loss(told, frames, objective.steps, places, across)[0]

    return ours, lambda: plain_cpc.cpc_loss(objective, windows, places)


def seconds(step: Step, objective: Objective) -> float:
    """Return the processor time of the fastest of some steps, with gradients."""
    taken = []
    for _ in range(N_REPEATS + 1):
        began = time.process_time()
        objective.zero_grad()
        step().backward()
        taken.append(time.process_time() - began)
    return min(taken[1:])


def main() -> None:
    """Print a line for each objective."""
    torch.set_num_threads(1)
    known = {"jepa": jepa, "mae": mae, "cpc": cpc}
    for name in sys.argv[1:] or known:
        row = OBJECTIVES[name]
        options = {**row.model_options, "dropout": 0.0}
        encoder = load_model(
            row.architecture, n_outputs=0, leads=STANDARD_12, seconds=10, fs=100, **options
        )
        objective = load_object(row.path)(encoder, **row.options)
        windows = torch.randn(N_WINDOWS, 12, 1000)
        ours, plain = (seconds(step, objective) for step in known[name](objective, windows))
        each = f"{1000 * ours / N_WINDOWS:.2f} ms a record, plain {1000 * plain / N_WINDOWS:.2f} ms"
        print(f"{name}: {each}, {plain / ours:.1f} times as fast")


if __name__ == "__main__":
    main()
