# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
import torch

from precordia.core.errors import OptionError, WeightsError
from precordia.core.leads import STANDARD_12
from precordia.models.load_model import load_model
from precordia.nn.piece_bag import PieceBag
from precordia.training.array_source import ArraySource, still
from precordia.training.fit_text_contrast import fit_text_contrast
from precordia.training.interruption import Interrupted
from precordia.training.record_texts import record_texts, true_of
from precordia.training.settings import TrainingSettings
from precordia.training.text_contrast import (
    TextContrast,
    cross_modal_alignment,
    uni_modal_alignment,
)
from precordia.training.usual_input import usual_input

torch.set_num_threads(1)
N_PIECES = 512
SAID = ["sinus rhythm", "atrial fibrillation", "inferior infarction", "left bundle branch block"]


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def published_clip(a, b, temperature):
    """Sum of both cross-entropies of MERL's code, written out over single pairs."""
    a, b = unit(a), unit(b)
    total = 0.0
    for one, other in ((a, b), (b, a)):
        for i in range(len(one)):
            cosines = [float(one[i] @ other[j]) / temperature for j in range(len(other))]
            total -= (cosines[i] - np.log(np.sum(np.exp(cosines)))) / len(one)
    return total


@pytest.fixture
def pairs():
    rng = np.random.default_rng(5)
    return rng.normal(size=(6, 8)), rng.normal(size=(6, 8))


def test_one_positive_each_gives_the_published_loss(pairs):
    a, b = pairs
    ours = cross_modal_alignment(torch.tensor(a), torch.tensor(b), torch.eye(6))
    assert float(ours) == pytest.approx(published_clip(a, b, 0.07), rel=1e-5)
    looks = uni_modal_alignment(torch.tensor(a), torch.tensor(b))
    assert float(looks) == pytest.approx(published_clip(a, b, 0.07), rel=1e-5)


def test_a_text_of_two_recordings_shares_its_target(pairs):
    a, b = unit(pairs[0]), unit(pairs[1])
    true = np.eye(6)
    true[4, 1] = true[2, 1] = 1  # text 1 is true of recordings 1, 2 and 4
    s = a @ b.T / 0.07
    rows = s - np.log(np.exp(s).sum(1, keepdims=True))
    columns = s - np.log(np.exp(s).sum(0, keepdims=True))
    expected = -np.mean([rows[i][true[i] > 0].mean() for i in range(6)])
    expected -= np.mean([columns[:, j][true[:, j] > 0].mean() for j in range(6)])
    ours = cross_modal_alignment(torch.tensor(a), torch.tensor(b), torch.tensor(true))
    assert float(ours) == pytest.approx(expected, rel=1e-5)


def test_length_of_vectors_is_of_no_effect(pairs):
    a, b = (torch.tensor(x) for x in pairs)
    longer = cross_modal_alignment(a * 7, b * 0.1, torch.eye(6))
    assert float(longer) == pytest.approx(float(cross_modal_alignment(a, b, torch.eye(6))))


def test_a_text_is_true_of_all_that_have_what_it_says():
    has = torch.tensor([[1, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=torch.bool)
    says = torch.tensor([[1, 0, 0], [0, 0, 0], [0, 0, 1]], dtype=torch.bool)
    assert true_of(has, says).tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]


def test_padding_and_order_of_pieces_do_not_change_a_text():
    torch.manual_seed(0)
    bag = PieceBag(N_PIECES, 8, 8).eval()
    one = bag(torch.tensor([[3, 9, 200]]))
    other = bag(torch.tensor([[200, 3, 9, -1, -1]]))
    assert torch.allclose(one, other, atol=1e-6)
    assert not torch.allclose(one, bag(torch.tensor([[3, 9, 201]])), atol=1e-3)


def toy(n=48, seed=0, **options):
    """Recordings whose wave tells the text, and a small network."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % len(SAID)
    time = np.arange(200) / 100
    waves = np.sin(2 * np.pi * (1 + 2 * kind)[:, None] * time)
    windows = waves[:, None, :] + 0.1 * rng.normal(size=(n, 12, 200))
    texts = record_texts(
        [[(SAID[k], [str(k)])] for k in kind], [[str(k)] for k in kind], n_pieces=N_PIECES
    )
    encoder = load_model(
        "resnet1d", n_outputs=0, leads=STANDARD_12, n_samples=200, fs=100, seed=seed, width=8
    )
    torch.manual_seed(seed)
    n_tokens = encoder.tokens(torch.zeros(1, 12, 200)).shape[1]
    bag = PieceBag(N_PIECES, 16, 16)
    learner = TextContrast(
        encoder, texts=texts, text_encoder=bag, dim=16, n_tokens=n_tokens, **options
    )
    spec = usual_input(STANDARD_12, 100, 2.0)
    source = ArraySource(
        spec=spec,
        patients=np.arange(n),
        look=still(windows.astype(np.float32), np.ones((n, 12), bool)),
    )
    return learner, source, torch.tensor(windows, dtype=torch.float32), kind


SETTINGS = TrainingSettings(
    epochs=30, batch_size=16, lr=5e-3, workers=0, seed=3, checkpoint_steps=10, log_steps=5
)


@pytest.mark.parametrize("pool", ["attention", "encoder"])
def test_recordings_find_their_texts_after_training(pool, tmp_path):
    learner, source, windows, kind = toy(pool=pool)
    fitted = fit_text_contrast(learner, source, SETTINGS, folder=tmp_path)
    with torch.no_grad():
        mine = learner.recording_vectors(windows, torch.ones(len(windows), 12, dtype=torch.bool))
        pieces = learner.texts.pieces[: len(SAID)]
        found = (mine @ learner.text_vectors(pieces).T).argmax(dim=1).numpy()
    assert (found == kind).mean() > 0.9
    assert fitted.steps == 90
    lines = [json.loads(x) for x in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert {"cma", "uma", "loss"} <= set(lines[0])
    assert lines[0]["loss"] == pytest.approx(lines[0]["cma"] + lines[0]["uma"], rel=1e-5)


def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path):
    few = TrainingSettings(**SETTINGS.to_dict() | {"epochs": 7})
    whole, source, _, _ = toy()
    fit_text_contrast(whole, source, few)

    def stop(step, n, words):
        if step == 14:
            raise KeyboardInterrupt

    broken, source, _, _ = toy()
    with pytest.raises((KeyboardInterrupt, Interrupted)):
        fit_text_contrast(broken, source, few, folder=tmp_path, watch=stop)
    again, source, _, _ = toy()
    fit_text_contrast(again, source, few, folder=tmp_path, resume=True)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_a_training_does_not_go_on_with_other_texts(tmp_path):
    learner, source, _, _ = toy()
    few = SETTINGS.to_dict() | {"epochs": 1}
    fit_text_contrast(learner, source, TrainingSettings(**few), folder=tmp_path)
    other, source, _, _ = toy()
    n = len(other.texts.count)
    other.texts = record_texts([[("pause", ["P"])]] * n, [["P"]] * n, n_pieces=N_PIECES)
    with pytest.raises(WeightsError, match="texts differ"):
        fit_text_contrast(other, source, TrainingSettings(**few), folder=tmp_path, resume=True)


def test_what_does_not_fit_is_refused_in_a_sentence():
    with pytest.raises(OptionError, match="holds no word"):
        record_texts([[("?!", ["SR"])]], [["SR"]], n_pieces=64)
    learner, source, _, _ = toy()
    learner.texts = record_texts([[("pause", ["P"])]], [["P"]], n_pieces=N_PIECES)
    with pytest.raises(OptionError, match="texts of 1 recordings"):
        fit_text_contrast(learner, source, SETTINGS)
    with pytest.raises(OptionError, match="n_tokens is 0"):
        TextContrast(
            learner.encoder, texts=learner.texts, text_encoder=learner.text_encoder, n_tokens=0
        )
