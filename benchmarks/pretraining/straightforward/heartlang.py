# SPDX-License-Identifier: Apache-2.0
"""Hidden words of HeartLang as one writes it down first: sentence by sentence, word by word."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from precordia.nn.beat_words import BeatSentence
from precordia.training.objectives.heartlang import HeartLangWords


def codes_of(objective: HeartLangWords, said: BeatSentence) -> Tensor:
    """Return the codes that `BeatVocabulary.codes_of` gives."""
    vocabulary = objective.vocabulary
    with torch.no_grad():
        rows = vocabulary.narrow(vocabulary.reader.tokens_of(said)[:, 1:])
    codes = torch.zeros(rows.shape[:2], dtype=torch.long)
    for sentence in range(rows.shape[0]):
        for word in range(rows.shape[1]):
            row = functional.normalize(rows[sentence, word], dim=0)
            codes[sentence, word] = (vocabulary.book.book - row).norm(dim=1).argmin()
    return codes


def words_loss(
    objective: HeartLangWords, said: BeatSentence, codes: Tensor, hidden: Tensor
) -> Tensor:
    """Return the loss that `HeartLangWords` gives for the same weights, codes and masks."""
    losses = []
    for sentence in range(len(said.words)):
        words = said.words[sentence].clone()
        shown = [
            objective.mark if hidden[sentence, place] else words[place]
            for place in range(len(words))
        ]
        tokens = objective.sentences.tokens_of(
            BeatSentence(
                torch.stack(shown)[None],
                said.leads[sentence : sentence + 1],
                said.times[sentence : sentence + 1],
            )
        )
        for place in hidden[sentence].nonzero()[:, 0]:
            told = objective.tell(tokens[0, 1 + place])
            losses.append(functional.cross_entropy(told, codes[sentence, place]))
    return torch.stack(losses).mean()
