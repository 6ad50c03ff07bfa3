# SPDX-License-Identifier: Apache-2.0
"""The contrast of words of wav2vec 2.0 as one writes it down first: token by token."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional

from precordia.training.masks import Places
from precordia.training.objectives.wav2vec import Wav2Vec2Cmsc


def word_loss(
    objective: Wav2Vec2Cmsc,
    windows: Tensor,
    places: Places,
    others: Tensor,
    choice: float,
    generator: Generator,
) -> Tensor:
    """Return the contrast that `Wav2Vec2Cmsc` gives for the same weights, masks and negatives."""
    network = objective.network
    local = network.local(windows)
    local = local * objective.gradient + local.detach() * (1 - objective.gradient)
    normal = network.norm_frames(local)
    frames = network.project(normal)

    marked = []
    for row in range(len(windows)):
        hidden = set(places.hidden[row].tolist())
        tokens = [
            objective.mark if place in hidden else frames[row, place]
            for place in range(frames.shape[1])
        ]
        marked.append(torch.stack(tokens))
    context = network.context(torch.stack(marked))

    targets = torch.stack([normal[row, places.hidden[row]] for row in range(len(windows))])
    words = objective.choose(targets, temperature=choice, generator=generator)

    losses = []
    for row in range(len(windows)):
        for which, place in enumerate(places.hidden[row]):
            told = objective.name_context(context[row, place])
            logits = []
            for other in [which, *others[row, which].tolist()]:
                word = objective.name_word(words.values[row, other])
                score = functional.cosine_similarity(told, word, dim=0) / objective.temperature
                if logits and torch.equal(words.codes[row, other], words.codes[row, which]):
                    score = torch.tensor(-torch.inf)
                logits.append(score)
            losses.append(-torch.stack(logits).log_softmax(dim=0)[0])
    return torch.stack(losses).mean()
