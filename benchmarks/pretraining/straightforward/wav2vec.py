# SPDX-License-Identifier: Apache-2.0
"""The contrast of words of wav2vec 2.0 as one writes it down first: window by window."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from precordia.training.masks import Places
from precordia.training.objectives.wav2vec import Wav2Vec2Cmsc
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: Wav2Vec2Cmsc, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch, from views on, at half of the training."""
    windows, _ = change(batch, objective.change)
    with torch.no_grad():
        n_tokens = objective.network.local(windows[:1]).shape[1]
    places = sample_places(len(windows), n_tokens, objective.hidden, objective.span)
    n_hidden = places.hidden.shape[1]
    others = []
    for _ in range(len(windows)):
        for which in range(n_hidden):
            drawn = torch.randint(n_hidden - 1, (objective.n_negatives,))
            others.append(drawn + (drawn >= which))
    others = torch.stack(others).unflatten(0, (len(windows), n_hidden))

    first, last = objective.choice
    choice = (first * last) ** 0.5
    chance = torch.rand(len(windows), n_hidden, objective.choose.groups, objective.choose.n_codes)
    local, context, words = networks(objective, windows, places, choice, chance)
    found = contrast(objective, context, words.values, words.codes, places, others)

    likelihood = words.likelihood.mean(dim=(0, 1))
    used = torch.zeros(())
    for group in likelihood:
        used = used + (-(group * (group + 1e-7).log()).sum()).exp()
    diversity, penalty, pairs = objective.weights
    loss = found + diversity * (1 - used / likelihood.numel()) + penalty * local.square().mean()
    return loss + pairs * pair_loss(context.mean(dim=1), batch, objective.pair_temperature)


def sample_places(n_rows: int, n_tokens: int, share: float, span: int) -> Places:
    """Draw spans row by row; each row hides as many tokens as the one that hides least."""
    marks = []
    for _ in range(n_rows):
        mark = torch.zeros(n_tokens, dtype=torch.bool)
        for start in torch.randperm(n_tokens - span + 1)[: max(round(share * n_tokens / span), 1)]:
            mark[start : start + span] = True
        marks.append(mark)
    least = min(int(mark.sum()) for mark in marks)
    kept, hidden = [], []
    for mark in marks:
        where = mark.nonzero()[:, 0]
        where = where[torch.randperm(len(where))[:least]].sort().values
        mark[:] = False
        mark[where] = True
        hidden.append(where)
        kept.append((~mark).nonzero()[:, 0])
    return Places(torch.stack(kept), torch.stack(hidden))


def word_loss(
    objective: Wav2Vec2Cmsc,
    windows: Tensor,
    places: Places,
    others: Tensor,
    choice: float,
    chance: Tensor,
) -> Tensor:
    """Return the contrast that `Wav2Vec2Cmsc` gives for the same weights and draws."""
    _, context, words = networks(objective, windows, places, choice, chance)
    return contrast(objective, context, words.values, words.codes, places, others)


def networks(
    objective: Wav2Vec2Cmsc,
    windows: Tensor,
    places: Places,
    choice: float,
    chance: Tensor,
):
    """Return frames, what the context says, and the words of hidden frames."""
    network = objective.network
    local = network.local(windows)
    local = local * objective.gradient + local.detach() * (1 - objective.gradient)
    normal = network.norm_frames(local)
    frames = network.project(normal)

    marked = []
    for row in range(len(windows)):
        hidden = torch.zeros(frames.shape[1], dtype=torch.bool)
        hidden[places.hidden[row]] = True
        marked.append(torch.where(hidden[:, None], objective.mark, frames[row]))
    context = network.context(torch.stack(marked))

    targets = torch.stack([normal[row, places.hidden[row]] for row in range(len(windows))])
    words = objective.choose(targets, temperature=choice, chance=chance)
    return local, context, words


def contrast(
    objective: Wav2Vec2Cmsc,
    context: Tensor,
    words: Tensor,
    codes: Tensor,
    places: Places,
    others: Tensor,
) -> Tensor:
    """Return how badly words are recognised, window by window."""
    losses = []
    for row in range(len(context)):
        told = objective.name_context(context[row, places.hidden[row]])
        named = objective.name_word(words[row])
        wrong = functional.cosine_similarity(told[:, None], named[others[row]], dim=2)
        same = (codes[row][others[row]] == codes[row][:, None]).all(dim=2)
        right = functional.cosine_similarity(told, named, dim=1)[:, None]
        logits = torch.cat([right, wrong.masked_fill(same, -torch.inf)], dim=1)
        answer = torch.zeros(len(told), dtype=torch.long)
        losses.append(functional.cross_entropy(logits / objective.temperature, answer))
    return torch.stack(losses).mean()


def pair_loss(embeddings: Tensor, batch: UnlabelledBatch, temperature: float) -> Tensor:
    """Return how badly the two segments of recordings find each other."""
    earlier, later = [], []
    for record in batch.records.unique():
        rows = (batch.records == record).nonzero()[:, 0]
        rows = rows[batch.starts[rows].argsort()]
        earlier.append(int(rows[0]))
        later.append(int(rows[1]))
    losses = []
    for anchors, others in ((earlier, later), (later, earlier)):
        for row in anchors:
            likeness = functional.cosine_similarity(embeddings[row][None], embeddings[others])
            right = batch.patients[others] == batch.patients[row]
            likeness = likeness / temperature
            losses.append(likeness.logsumexp(dim=0) - likeness[right].mean())
    return torch.stack(losses).mean()
