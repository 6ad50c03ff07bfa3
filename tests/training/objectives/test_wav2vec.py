# SPDX-License-Identifier: Apache-2.0
"""wav2vec 2.0: contrast of plain code and of a closed form, use of the vocabulary, pairs."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from precordia.core.errors import OptionError
from precordia.models.load_model import load_model
from precordia.training.masks import hide_spans
from precordia.training.objectives.wav2vec import Wav2Vec2Cmsc, unused, word_loss


def encoder(**options):
    told = {"width": 16, "dim": 32, "depth": 1, "heads": 2, "dropout": 0.0} | options
    return load_model("ecg-fm", n_outputs=0, n_leads=12, n_samples=400, fs=100, **told)


@pytest.fixture
def batch(make_batch):
    return make_batch(pairs=True)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_contrast_and_its_gradients_are_those_of_plain_code(plain, batch):
    objective = Wav2Vec2Cmsc(encoder(), n_negatives=5, n_codes=3)
    places = hide_spans(8, 25, share=0.65, span=4, generator=seeded())
    others = objective._others(*places.hidden.shape, seeded(1))
    parts = objective.parts_of(
        batch.windows,
        places,
        others,
        choice=1.0,
        chance=objective._noise(*places.hidden.shape, seeded(2)),
    )
    parts.contrast.backward()
    ours = {n: p.grad.clone() for n, p in objective.named_parameters() if p.grad is not None}
    objective.zero_grad()
    expected = plain("wav2vec").word_loss(
        objective,
        batch.windows,
        places,
        others,
        1.0,
        objective._noise(*places.hidden.shape, seeded(2)),
    )
    expected.backward()
    torch.testing.assert_close(parts.contrast, expected)
    for name, parameter in objective.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(ours[name], parameter.grad, atol=1e-5, rtol=1e-3)


def test_negatives_are_other_hidden_tokens_of_the_row():
    objective = Wav2Vec2Cmsc(encoder(), n_negatives=50)
    others = objective._others(3, 7, seeded())
    for which in range(7):
        assert set(others[:, which].flatten().tolist()) == set(range(7)) - {which}


def test_words_that_are_all_right_are_no_negatives():
    told, words = torch.randn(2, 4, 3), torch.ones(2, 4, 3)
    others = torch.zeros(2, 4, 6, dtype=torch.long)
    same = torch.zeros(2, 4, 1, dtype=torch.long)
    assert abs(float(word_loss(told, words, same, others, temperature=0.1))) < 1e-6
    apart = torch.arange(4).expand(2, 4)[:, :, None].contiguous()
    others = torch.tensor([1, 0, 0, 0])[None, :, None].expand(2, 4, 6)
    loss = word_loss(told, words, apart, others, temperature=0.1)
    assert math.isclose(float(loss), math.log(7), rel_tol=1e-5)


def test_the_unused_share_of_a_vocabulary():
    one = torch.tensor([[1.0, 0, 0, 0]])
    assert math.isclose(float(unused(one)), 0.75, rel_tol=1e-4)
    half = torch.tensor([[0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25]])
    assert math.isclose(float(unused(half)), 1 - 6 / 8, rel_tol=1e-4)


def test_hidden_frames_do_not_reach_the_context(batch):
    objective = Wav2Vec2Cmsc(encoder(), gradient=1.0)
    places = hide_spans(8, 25, share=0.65, span=4, generator=seeded())
    frames = torch.randn(8, 25, 32, requires_grad=True)
    objective.network.frames = lambda _: frames
    seen = {}
    objective.network.context = lambda marked: seen.setdefault("marked", marked)
    others = objective._others(*places.hidden.shape, seeded())
    objective.parts_of(
        batch.windows,
        places,
        others,
        choice=1.0,
        chance=objective._noise(*places.hidden.shape, seeded()),
    )
    hidden = seen["marked"].gather(1, places.hidden[:, :, None].expand(-1, -1, 32))
    torch.testing.assert_close(hidden, objective.mark.expand_as(hidden))


def test_the_convolutions_get_a_share_of_the_gradient(batch):
    places = hide_spans(8, 25, share=0.65, span=4, generator=seeded())
    slopes = []
    for gradient in (1.0, 0.1):
        torch.manual_seed(0)
        objective = Wav2Vec2Cmsc(encoder(), gradient=gradient)
        others = objective._others(*places.hidden.shape, seeded())
        parts = objective.parts_of(
            batch.windows,
            places,
            others,
            choice=1.0,
            chance=objective._noise(*places.hidden.shape, seeded()),
        )
        parts.contrast.backward()
        slopes.append(objective.network.convolutions[0][0].weight.grad)
    torch.testing.assert_close(slopes[1], 0.1 * slopes[0], atol=1e-7, rtol=1e-3)


def test_all_parameters_learn_and_the_loss_falls(few_steps, make_batch):
    rows = make_batch(pairs=True)
    starts = torch.tensor([0, 400] * 4)
    paired = dataclasses.replace(rows, starts=starts)
    objective = Wav2Vec2Cmsc(encoder())
    losses = few_steps(objective, paired, n_steps=25, lr=5e-3)
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    assert all(p.grad is not None for n, p in objective.named_parameters() if "head" not in n)
    learned = objective(paired, 1.0, seeded())
    assert set(learned.logged) == {"contrast", "diversity", "pairs"}
    assert torch.equal(learned.loss, objective(paired, 1.0, seeded()).loss)
    assert not learned.embeddings.requires_grad


def test_single_windows_other_models_and_impossible_options_are_refused(batch):
    with pytest.raises(OptionError, match="neighbours"):
        Wav2Vec2Cmsc(encoder())(batch, 0.0, seeded())
    other = load_model("s4", n_outputs=0, n_leads=12, n_samples=400, fs=100, width=8, depth=1)
    with pytest.raises(OptionError, match="ecg-fm"):
        Wav2Vec2Cmsc(other)
    with pytest.raises(OptionError, match="n_negatives"):
        Wav2Vec2Cmsc(encoder(), n_negatives=0)
