# SPDX-License-Identifier: Apache-2.0
"""Beats as words: losses of plain code, two stages, hidden beats, beats that are not there."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from precordia.core.errors import OptionError
from precordia.core.leads import STANDARD_12
from precordia.models.load_model import load_model
from precordia.training.objectives.heartlang import HeartLangWords, sentence_of


def encoder(**options):
    told = {"width": 32, "depth": 1, "heads": 2, "head_dim": 16, "mlp_dim": 64, "n_words": 96}
    return load_model(
        "heart-lang", n_outputs=0, leads=STANDARD_12, n_samples=400, fs=100, **told, **options
    )


def small(**options) -> HeartLangWords:
    told = {"n_codes": 12, "code_dim": 8, "vocabulary_width": 32, "vocabulary_depth": 1}
    return HeartLangWords(encoder(), **told, **options)


@pytest.fixture
def batch(make_batch):
    return make_batch(n_rows=4)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_hidden(said) -> torch.Tensor:
    return (torch.rand(said.leads.shape, generator=seeded()) < 0.5) & (said.leads > 0)


def test_the_loss_and_gradients_are_those_of_plain_code(plain, batch):
    objective = small()
    said = sentence_of(objective.sentences, batch)
    objective.vocabulary(said, seeded())
    hidden = some_hidden(said)
    codes = objective.vocabulary.codes_of(said)
    assert torch.equal(codes, plain("heartlang").codes_of(objective, said))
    loss, _ = objective.loss_of(said, codes, hidden)
    loss.backward()
    ours = {n: p.grad.clone() for n, p in objective.named_parameters() if p.grad is not None}
    objective.zero_grad()
    expected = plain("heartlang").words_loss(objective, said, codes, hidden)
    expected.backward()
    torch.testing.assert_close(loss, expected)
    for name, parameter in objective.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(ours[name], parameter.grad, atol=1e-6, rtol=1e-3)


def test_every_beat_of_every_lead_is_a_word(batch):
    said = sentence_of(encoder(), batch)
    for row, peaks in enumerate(batch.rpeaks):
        assert int((said.leads[row] > 0).sum()) == min(12 * len(peaks), 96)
        middle = said.words[row, 1, 48]  # the second beat of the first lead: R-peak in the middle
        torch.testing.assert_close(middle, batch.windows[row, 0, peaks[1]])


def test_a_window_without_beats_is_an_empty_sentence(batch):
    none = tuple(peaks[:0] for peaks in batch.rpeaks)
    said = sentence_of(encoder(), dataclasses.replace(batch, rpeaks=none))
    assert int(said.leads.sum()) == 0
    objective = small()
    empty = dataclasses.replace(batch, rpeaks=none)
    for progress in (0.0, 1.0):
        learned = objective(empty, progress, seeded())
        assert float(learned.loss.detach()) == 0


def test_without_rpeaks_the_encoder_finds_them(batch):
    said = sentence_of(encoder(), dataclasses.replace(batch, rpeaks=None))
    assert int((said.leads > 0).sum()) > 0


def test_hidden_beats_reach_no_token(batch):
    objective = small()
    said = sentence_of(objective.sentences, batch)
    hidden = some_hidden(said)
    codes = torch.zeros_like(said.leads)
    words = said.words.clone().requires_grad_()
    loss, _ = objective.loss_of(said._replace(words=words), codes, hidden)
    loss.backward()
    moved = words.grad.abs().amax(dim=2)
    assert float(moved[hidden].max()) == 0
    assert float(moved[~hidden & (said.leads > 0)].min()) > 0


def test_who_tells_nothing_is_wrong_by_the_size_of_the_vocabulary(batch):
    objective = small()
    with torch.no_grad():
        objective.tell.weight.zero_()
        objective.tell.bias.zero_()
    assert math.isclose(
        float(objective(batch, 1.0, seeded()).loss.detach()), math.log(12), rel_tol=1e-5
    )


def test_first_the_vocabulary_learns_and_then_the_encoder(batch):
    objective = small()
    objective(batch, 0.0, seeded()).loss.backward()
    assert all(p.grad is None for p in objective.encoder.parameters())
    assert objective.vocabulary.draw.weight.grad.abs().max() > 0
    assert objective.vocabulary.reader.project.weight.grad.abs().max() > 0
    objective.zero_grad()
    book = objective.vocabulary.book.book.clone()
    objective(batch, 0.5, seeded()).loss.backward()
    assert all(p.grad is None for p in objective.vocabulary.parameters())
    assert objective.encoder.project.weight.grad.abs().max() > 0
    assert torch.equal(book, objective.vocabulary.book.book)
    assert objective.vocabulary.training


def test_both_losses_fall(few_steps, batch):
    objective = small(vocabulary_share=0.5)
    losses = few_steps(objective, batch, n_steps=40, lr=3e-3)
    assert sum(losses[15:20]) < 0.9 * sum(losses[:5])
    assert sum(losses[35:]) < 0.9 * sum(losses[20:25])
    codes = objective.vocabulary.codes_of(sentence_of(objective.sentences, batch))
    assert len(codes.unique()) >= 4
    assert objective.exported() is objective.encoder


@pytest.mark.parametrize("progress", [0.0, 1.0])
def test_the_generator_alone_decides(batch, progress):
    losses = []
    for _ in range(2):
        torch.manual_seed(0)
        losses.append(small()(batch, progress, seeded(3)).loss)
    assert torch.equal(losses[0], losses[1])


def test_other_encoders_and_shares_are_refused():
    other = load_model("s4", n_outputs=0, n_leads=12, n_samples=400, fs=100, width=8, depth=1)
    with pytest.raises(OptionError, match="heart-lang"):
        HeartLangWords(other)
    with pytest.raises(OptionError, match="hidden"):
        HeartLangWords(encoder(), hidden=1.0)
