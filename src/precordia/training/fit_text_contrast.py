# SPDX-License-Identifier: Apache-2.0
"""Train recordings and texts to find each other: resumable, seeded, with a log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from precordia.core.errors import OptionError
from precordia.training.array_source import ArraySource
from precordia.training.group_order import GroupOrder
from precordia.training.pretrain_loop import PretrainLoop, Watch
from precordia.training.processes import Processes
from precordia.training.run_folder import checkpoint_to_go_on_from
from precordia.training.settings import SPEED, TrainingSettings
from precordia.training.text_contrast import TextContrast


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedContrast:
    """How a contrast was trained: steps, last loss, spread of embeddings, minutes."""

    steps: int
    loss: float
    effective_rank: float
    minutes: float


def fit_text_contrast(
    learner: TextContrast,
    source: ArraySource,
    settings: TrainingSettings,
    *,
    folder: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    watch: Watch | None = None,
) -> FittedContrast:
    """Train a contrast between recordings and texts, in place.

    Parameters
    ----------
    learner
        What learns; it holds the texts of the recordings.
    source
        The recordings, by the numbers of their texts.
    settings
        Epochs, size of batches, rates, seed. Early stopping, mixup and averages are not used.
    folder
        For the log (``log.jsonl``) and checkpoints; none is written by default.
    resume, overwrite
        Go on with, or begin anew, what the folder holds.
    watch
        Is told steps done, steps in all, and a few words.

    Returns
    -------
    How it went.

    Raises
    ------
    OptionError
        If a recording has no text, or fewer recordings than one batch arrived.
    OutputError, WeightsError
        If the folder holds another training, or cannot be written.

    Notes
    -----
    What a step sees and draws is a function of seed and step, so that a resumed training is the
    same to the bit. MERL's own schedule is AdamW at 0.001 with cosine restarts; here the rate falls
    once.
    """
    texts = learner.texts
    if len(texts.count) != len(source):
        raise OptionError(
            f"texts of {len(texts.count)} recordings arrived with {len(source)} recordings; one "
            "entry for each is needed."
        )
    if not bool((texts.count > 0).all()):
        missing = int((texts.count == 0).sum())
        raise OptionError(f"{missing} recordings have no text. Leave them out, or write one.")
    order = GroupOrder(
        "records",
        settings.batch_size,
        patients=source.patients,
        records=np.arange(len(source)),
        seed=settings.seed,
    )
    if not order.n_batches:
        raise OptionError(
            f"{len(source)} recordings do not fill a batch of {settings.batch_size}. Use a smaller "
            "batch_size."
        )
    told = {k: v for k, v in settings.to_dict().items() if k not in SPEED}
    about: dict[str, Any] = {"settings": told, "texts": _digest(learner)}
    processes, found = Processes(), None
    if folder is not None:
        found = checkpoint_to_go_on_from(
            folder, about, processes, resume=resume, overwrite=overwrite
        )
    loop = PretrainLoop(
        learner,
        source,
        order,
        settings,
        n_steps=settings.epochs * order.n_batches,
        processes=processes,
        folder=folder,
        about=about,
        found=found,
        watch=watch,
    )
    loop.run()
    learner.eval()
    spread = loop.last_spread()
    return FittedContrast(
        steps=loop.progress.step,
        loss=loop.progress.loss_sum,
        effective_rank=spread.get("rank", float("nan")),
        minutes=loop.progress.seconds / 60,
    )


def _digest(learner: TextContrast) -> str:
    """Return digits that change with the texts and what they are true of."""
    held = learner.texts
    digest = hashlib.sha256()
    for array in (held.pieces, held.says, held.has, held.count):
        digest.update(np.ascontiguousarray(array.numpy()).tobytes())
    return digest.hexdigest()[:16]
