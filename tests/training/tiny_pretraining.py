# SPDX-License-Identifier: Apache-2.0
"""A small objective, recordings for it, and a pretraining that may be killed or divided.

tiny_pretraining.py FOLDER [STEP ...]: pretrains into FOLDER, killed after each STEP and resumed.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Generator, nn

from precordia.core.record import Record
from precordia.models.encoder import Encoder
from precordia.training.gathering import drawn_for_rows, gathered
from precordia.training.objective import Learned, Objective
from precordia.training.objective_row import Row
from precordia.training.objective_table import OBJECTIVES
from precordia.training.pretrain import pretrain
from precordia.training.pretrained_encoder import Pretrained
from precordia.training.record_source import RecordSource
from precordia.training.unlabelled_batch import UnlabelledBatch


class Alike(Objective):
    """Two windows of a patient shall find each other among those of all patients."""

    grouping = "patients"

    def __init__(self, encoder: Encoder, *, temperature: float = 0.2, noise: float = 0.0) -> None:
        super().__init__(encoder)
        self.temperature, self.noise = temperature, noise
        self.projector = nn.Sequential(nn.Linear(encoder.dim, 8), nn.BatchNorm1d(8), nn.ReLU())
        self.register_buffer("slow", torch.zeros(8, encoder.dim))  # as a teacher is: no gradient

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        x = batch.windows
        x = x + self.noise * drawn_for_rows(
            lambda rows: torch.randn(rows, *x.shape[1:], generator=generator), len(x)
        )
        held = self.encoder.encode(x, batch.present)
        z = gathered(nn.functional.normalize(self.projector(held), dim=1))
        one, other = z[0::2], z[1::2]
        likeness = one @ other.T / self.temperature
        loss = nn.functional.cross_entropy(likeness, torch.arange(len(one)))
        right = (likeness.argmax(dim=1) == torch.arange(len(one))).float().mean()
        return Learned(loss=loss, embeddings=held.detach(), logged={"right": right})

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        self.slow.lerp_(self.projector[0].weight, 0.1)


class Nonsense(Alike):
    """A loss that stops being a number."""

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        learned = super().forward(batch, progress, generator)
        return Learned(
            loss=learned.loss * (float("nan") if progress > 0.4 else 1),
            embeddings=learned.embeddings,
        )


class Collapsing(Alike):
    """An objective whose embeddings are all alike."""

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        learned = super().forward(batch, progress, generator)
        return Learned(loss=learned.loss, embeddings=torch.ones_like(learned.embeddings))


def row(kind: str = "Alike", **changes) -> Row:
    held = {
        "path": f"{__name__}:{kind}",
        "title": "Alike",
        "paper": "none",
        "does": "lets windows of a patient find each other",
        "architecture": "resnet1d",
        "model_options": {"width": 4},
        "grouping": "patients",
        "options": {"temperature": 0.2, "noise": 0.0},
        "input": {"fs": 100, "seconds": 2.56},
    }
    return Row(**{**held, **changes})


def register() -> None:
    OBJECTIVES["alike"] = row()
    OBJECTIVES["alike-records"] = row(grouping="records")
    OBJECTIVES["alike-neighbours"] = row(grouping="neighbours")
    OBJECTIVES["nonsense"] = row("Nonsense")
    OBJECTIVES["collapsing"] = row("Collapsing")
    OBJECTIVES["picky"] = row(architectures=("vit1d", "s4"))
    OBJECTIVES["aged"] = row(needs=("ages",))
    OBJECTIVES["beats"] = row(needs=("rpeaks",))


def read_made(seconds: float, n_leads: int, number: int) -> Record:
    """Return a rhythm whose rate and shape belong to the patient: number // 2."""
    patient, fs = number // 2, 200
    t = np.arange(round(seconds * fs)) / fs
    rng = np.random.default_rng(number)
    beat = np.exp(-0.5 * (((t * (0.8 + 0.05 * patient) + rng.random()) % 1 - 0.5) / 0.03) ** 2)
    gains = np.random.default_rng(1000 + patient).uniform(-1.5, 1.5, (12, 1))
    signal = gains * beat + 0.02 * rng.normal(size=(12, t.size))
    leads = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    return Record(signal=signal[:n_leads].astype(np.float32), fs=fs, leads=leads[:n_leads])


def source(n: int = 24, *, seconds: float = 10.0, n_leads: int = 12, **changes) -> RecordSource:
    names = tuple(f"r{k}" for k in range(n))
    held = {
        "title": "made",
        "names": names,
        "patients": tuple(f"patient:{k // 2}" for k in range(n)),
        "folds": ("",) * n,
        "parts": ("",) * n,
        "classes": ("a",),
        "targets": np.arange(n)[:, None] % 2.0,
        "read": partial(read_made, seconds, n_leads),
        "content": f"made-{n}-{seconds}-{n_leads}",
        "ages": np.full(n, np.nan),
        "males": np.full(n, np.nan),
        "members": ("made",) * n,
        "databases": ("made",),
    }
    return RecordSource(**{**held, **changes})


def pretrained(folder: Path, name: str = "alike", **changes) -> Pretrained:
    held = {
        "data": [source()],
        "folder": folder,
        "steps": 12,
        "batch_size": 8,
        "options": {"noise": 0.1},
        "changes": ["training.checkpoint_steps=4", "training.lr=0.01"],
        "cache": folder.parent / "cache",
    }
    return pretrain(name, **{**held, **changes})


def main() -> None:
    import torch._dynamo  # once, here, and not in every child
    import torch.utils.tensorboard.writer

    import precordia.models.resnet1d
    import precordia.training.pretrain_loop  # noqa: F401

    torch.set_num_threads(1)
    register()
    folder = Path(sys.argv[1])
    for last in map(int, sys.argv[2:]):
        if not (child := os.fork()):
            pretrained(folder, watch=partial(kill_after, last), resume=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
    pretrained(folder, resume=True)


def kill_after(last: int, done: int, total: int, words: str) -> None:
    """Kill this process, as a power cut would, when a step is done."""
    if words.startswith("epoch") and done == last:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.modules["tiny_pretraining"] = sys.modules["__main__"]
    main()
