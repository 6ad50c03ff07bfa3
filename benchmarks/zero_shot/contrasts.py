# SPDX-License-Identifier: Apache-2.0
"""One contrast: what it learns from, how, and what it then says of recordings."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from encoders import (
    beats_encoder,
    beats_source,
    beats_vectors,
    frozen_encoder,
    frozen_source,
    frozen_vectors,
)
from material import Material, written

from precordia.nn.piece_bag import PieceBag
from precordia.training.fit_text_contrast import fit_text_contrast
from precordia.training.record_texts import record_texts
from precordia.training.settings import TrainingSettings
from precordia.training.text_contrast import TextContrast

DIM, PIECE_DIM, N_PIECES = 128, 64, 8192
#: share of the pieces of a text that training leaves out
_PIECE_DROPOUT = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a contrast learns.

    Attributes
    ----------
    epochs, seed
        Of the training.
    own_only
        Only what readers wrote.
    without
        Statements of which no text speaks.
    looks_weight
        Weight of UMA beside CMA.
    """

    epochs: int = 20
    seed: int = 0
    own_only: bool = False
    without: tuple[str, ...] = ()
    looks_weight: float = 1.0


class Contrast:
    """A contrast on some recordings; a finished one is taken from ``kept``.

    Parameters
    ----------
    name
        Of the files in ``kept``.
    material, rows
        What it learns from.
    plan
        How.
    kept
        Folder.
    embedding
        Vectors of a frozen encoder; without them a network learns from texts alone.
    """

    def __init__(
        self,
        name: str,
        material: Material,
        rows: np.ndarray,
        plan: Plan,
        kept: Path,
        embedding: np.ndarray | None = None,
    ) -> None:
        self.material, self.embedding, self.plan = material, embedding, plan
        self.rows = rows
        if plan.own_only:
            self.rows = np.array([row for row in rows.tolist() if material.reports[row]])
        place = kept / f"words_{name}_{_digest(self.rows, plan)}.pt"
        if place.is_file():
            self.learner = self._new([[("normal ECG", ())]] * len(self.rows))
            self.learner.load_state_dict(torch.load(place, weights_only=True))
            self.learner.eval()
            return
        self.learner = self._new(self.texts())
        source = (
            beats_source(material, self.rows)
            if embedding is None
            else frozen_source(material, embedding, self.rows)
        )
        settings = TrainingSettings(
            epochs=plan.epochs, lr=2e-3, weight_decay=0.02, warmup=0.2, clip=2.0, seed=plan.seed,
            workers=0, threads=1, log_steps=50,
        )  # fmt: skip
        fitted = fit_text_contrast(
            self.learner, source, settings, folder=kept / place.stem, overwrite=True
        )
        torch.save(self.learner.state_dict(), place)
        print(f"{name}: {fitted}", flush=True)

    def texts(self) -> list[list[tuple[str, tuple[str, ...]]]]:
        """Return the texts that it learns from, of each recording; every recording has one."""
        plan = self.plan
        made = written(
            self.material, self.rows, seed=plan.seed, without=plan.without, own_only=plan.own_only
        )
        # of a recording with nothing but what must not be said, nobody says anything
        return [own or [("recording", ())] for own in made]

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """Return the vectors of recordings."""
        if self.embedding is None:
            return beats_vectors(self.learner, self.material, rows)
        return frozen_vectors(self.learner, self.embedding, rows)

    def _new(self, texts) -> TextContrast:
        plan, silent = self.plan, set(self.plan.without)
        known = self.material.reports if plan.own_only else self.material.statements
        has = [[c for c in known[row] if c not in silent] for row in self.rows.tolist()]
        held = record_texts(texts, has, n_pieces=N_PIECES)
        encoder = (
            beats_encoder(plan.seed)
            if self.embedding is None
            else frozen_encoder(self.embedding.shape[1])
        )
        torch.manual_seed(plan.seed)
        bag = PieceBag(N_PIECES, PIECE_DIM, DIM, dropout=_PIECE_DROPOUT)
        return TextContrast(
            encoder, texts=held, text_encoder=bag, dim=DIM, pool="encoder",
            looks_weight=plan.looks_weight,
        )  # fmt: skip


def _digest(rows: np.ndarray, plan: Plan) -> str:
    """Return digits that change with the recordings and the plan; not with the lexicon."""
    return f"{zlib.crc32(repr((rows.tolist(), plan)).encode()):08x}"
