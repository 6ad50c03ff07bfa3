# SPDX-License-Identifier: Apache-2.0
"""The mapper before a frozen language model, learned on the episodes of a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float

from precordia.core.errors import OptionError
from precordia.language.causal_model import CausalModel, load_causal_model
from precordia.language.episode_mapper import EpisodeMapper
from precordia.language.episodes import EpisodeRow, draw_episodes
from precordia.language.few_shot_model import FewShotModel, answer_prompt
from precordia.language.meta_learning import MetaSettings, meta_train
from precordia.language.network_parts import word_width
from precordia.language.tiny_model import make_tiny_model

if TYPE_CHECKING:
    from precordia.benchmarking.few_shot import FewShotSettings

#: texts that the tiny model reads, and how often
_TEXTS, _EPOCHS = 600, 8
_TASKS = 2


def load_base(
    rows: Sequence[EpisodeRow], folder: Path | None = None, *, seed: int = 0
) -> CausalModel:
    """Load the language model, or make a tiny one that knows the words of some rows.

    Parameters
    ----------
    rows
        Of the learning side.
    folder
        Of a causal language model; None for a tiny one.
    seed
        Of the tiny one.

    Notes
    -----
    The tiny model reads questions with any answer to their template, each with that answer written
    before it, so that it can learn to repeat what stands before a question. It sees no recording
    and learns nothing of which answer is right. Names of all statements are among its words, since
    a language model has read them somewhere.
    """
    return _tiny(rows, seed) if folder is None else load_causal_model(folder)


def learn_mapper(
    base: CausalModel,
    rows: Sequence[EpisodeRow],
    vectors: Float[np.ndarray, "recording dim"],
    settings: FewShotSettings,
    shape: dict[str, int],
) -> FewShotModel:
    """Learn a mapper on episodes of rows.

    Parameters
    ----------
    base
        The language model.
    rows
        Of the learning side.
    vectors
        Of all recordings.
    settings
        How.
    shape
        Shots and queries of an episode.

    Returns
    -------
    The language model with the mapper.
    """
    width = word_width(base.network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        mapper = EpisodeMapper(vectors.shape[1], width, heads=_heads(width), dropout=0.1)
        model = FewShotModel(base, mapper, vectors)
        how = MetaSettings(
            steps=settings.steps,
            tasks=_TASKS,
            inner_steps=settings.inner_steps,
            inner_lr=0.3,
            outer_lr=1e-2,
            first_order=settings.first_order,
        )

        def tasks(step: int) -> list:
            seed = settings.seed + 7919 * (step + 1)
            drawn = []
            for design in ("contrast", "mixed"):
                try:
                    drawn += draw_episodes(rows, 1, n_ways=2, design=design, seed=seed, **shape)
                except OptionError:
                    continue
            return [model.task(episode) for episode in drawn]

        meta_train(mapper, tasks, how)
    return model


def _heads(width: int) -> int:
    return next(n for n in (8, 4, 2, 1) if width % n == 0)


def _tiny(rows: Sequence[EpisodeRow], seed: int) -> CausalModel:
    from precordia.knowledge.lexicon import list_entries

    rng = np.random.default_rng(seed)
    some = [rows[k] for k in rng.permutation(len(rows))[:_TEXTS]]
    answers: dict[int, list[str]] = {}
    for row in sorted(rows, key=lambda r: (r.template, r.answer)):
        if row.answer not in answers.setdefault(row.template, []):
            answers[row.template].append(row.answer)
    texts = []
    for row in some:  # any answer to the template as often: the words before a question decide
        options = answers[row.template]
        said = options[int(rng.integers(len(options)))]
        texts.append(f"{said}\n{answer_prompt(row.question)} {said}")
    texts += [entry.name.lower() for entry in list_entries()]
    return make_tiny_model(texts, dim=32, layers=2, heads=2, epochs=_EPOCHS, seed=seed)
