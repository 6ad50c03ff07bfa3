# SPDX-License-Identifier: Apache-2.0
"""Hidden words of HeartLang as one writes it down first: sentence by sentence, beat by beat."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from precordia.nn.beat_words import BeatSentence
from precordia.training.objectives.heartlang import HeartLangWords
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: HeartLangWords, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch once the vocabulary is learned, hidden words drawn anew."""
    encoder = objective.sentences
    cut = [
        sentence(window, peaks, encoder.lead_numbers, round(batch.fs), encoder.word)
        for window, peaks in zip(batch.windows, batch.rpeaks, strict=True)
    ]
    said = padded(cut, encoder.n_words, encoder.word)
    hidden = torch.stack([(torch.rand(len(row)) < objective.hidden) & (row > 0) for row in said[1]])
    return words_loss(objective, said, codes_of(objective, said), hidden)


def sentence(window: Tensor, peaks: Tensor, leads: Tensor, second: int, word: int):
    """Return words of a window, lead after lead, with lead and time of each."""
    half, n = word // 2, window.shape[1]
    peaks = peaks.tolist()
    words, of_leads, times = [], [], []
    for lead in leads.argsort():
        for k, peak in enumerate(peaks):
            ahead = max(peak - half, 0)
            start = ahead if k == 0 else (peaks[k - 1] + peak) // 2
            end = peak + half if k else start + word
            if k + 1 < len(peaks):
                end = (peak + peaks[k + 1]) // 2
            end = min(end, n)
            if end - start > word:
                start, end = ahead, min(ahead + word, n)
            offset = max(half - (peak - start), 0)
            length = min(end - start, word - offset)
            cut = torch.zeros(word)
            cut[offset : offset + length] = window[lead, start : start + length]
            words.append(cut)
            of_leads.append(int(leads[lead]))
            times.append(peak // second + 1)
    return words, of_leads, times


def padded(cut: list, n_words: int, word: int) -> BeatSentence:
    """Return sentences of one length."""
    words = torch.zeros(len(cut), n_words, word)
    leads = torch.zeros(len(cut), n_words, dtype=torch.long)
    times = torch.zeros(len(cut), n_words, dtype=torch.long)
    for row, (said, of_leads, seconds) in enumerate(cut):
        n = min(len(said), n_words)
        if n:
            words[row, :n] = torch.stack(said[:n])
            leads[row, :n] = torch.tensor(of_leads[:n])
            times[row, :n] = torch.tensor(seconds[:n])
    return BeatSentence(words, leads, times)


def codes_of(objective: HeartLangWords, said: BeatSentence) -> Tensor:
    """Return the codes that `BeatVocabulary.codes_of` gives."""
    vocabulary = objective.vocabulary
    with torch.no_grad():
        rows = vocabulary.narrow(vocabulary.reader.tokens_of(said)[:, 1:])
    codes = []
    for words in rows:
        unit = functional.normalize(words, dim=1)
        codes.append((unit[:, None] - vocabulary.book.book).norm(dim=2).argmin(dim=1))
    return torch.stack(codes)


def words_loss(
    objective: HeartLangWords, said: BeatSentence, codes: Tensor, hidden: Tensor
) -> Tensor:
    """Return the loss that `HeartLangWords` gives for the same weights, codes and masks."""
    shown = [
        torch.where(marks[:, None], objective.mark, words)
        for words, marks in zip(said.words, hidden, strict=True)
    ]
    tokens = objective.sentences.tokens_of(BeatSentence(torch.stack(shown), said.leads, said.times))
    told = objective.tell(tokens[:, 1:])
    losses = [
        functional.cross_entropy(row[marks], wanted[marks], reduction="none")
        for row, marks, wanted in zip(told, hidden, codes, strict=True)
    ]
    return torch.cat(losses).mean()
