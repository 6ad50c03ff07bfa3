# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch

from precordia.core.errors import OptionError
from precordia.embedding.text_pieces import text_pieces
from precordia.embedding.text_vectors import TextEncoder, word_number
from precordia.nn.piece_bag import PieceBag

torch.set_num_threads(1)
N = 512


@pytest.fixture
def both():
    torch.manual_seed(2)
    bag = PieceBag(N, 12, 8).eval()
    torch.nn.init.normal_(bag.strength.weight)
    numpy = {k: v.detach().numpy().astype(float) for k, v in bag.state_dict().items()}
    encoder = TextEncoder(
        model="toy",
        vectors=numpy["vectors.weight"],
        strength=numpy["strength.weight"][:, 0],
        first=numpy["first.weight"],
        first_bias=numpy["first.bias"],
        second=numpy["second.weight"],
        second_bias=numpy["second.bias"],
        words=np.sort(np.array([word_number("infarction")], np.uint32)),
        normal=np.zeros((1, 8)),
    )
    return bag, encoder


def test_use_gives_what_training_learned(both):
    bag, encoder = both
    texts = ["inferior infarction", "Vorhofflimmern mit schneller Überleitung", "pause"]
    with torch.no_grad():
        for text, row in zip(texts, encoder(texts), strict=True):
            expected = bag(torch.from_numpy(text_pieces(text, N))[None])[0].numpy()
            np.testing.assert_allclose(row, expected / np.linalg.norm(expected), atol=1e-6)
            assert np.linalg.norm(row) == pytest.approx(1.0)


def test_a_text_without_words_has_no_direction(both):
    assert not both[1](["...?!"]).any()


def test_words_that_were_learned_are_known_in_any_form(both):
    assert both[1].knows("Infarcts of a purple heart") == ("infarction",)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Atrial fibrillation", "atrial FIBRILLATION!"),
        ("ischaemia in leads V1", "ischemia V1"),
        ("1st degree AV-block", "first-degree AV block"),
        ("ventrikuläre Tachykardie", "ventrikulaere Tachykardie"),
    ],
)
def test_spellings_of_one_thing_have_the_same_pieces(one, other):
    assert text_pieces(one, N).tolist() == text_pieces(other, N).tolist()


def test_order_and_other_words_change_the_pieces():
    assert text_pieces("left right", N).tolist() != text_pieces("right left", N).tolist()
    shared = set(text_pieces("tachycardia", N)) & set(text_pieces("tachykardia", N))
    assert len(shared) > 3


def test_pieces_are_numbers_below_what_there_is():
    pieces = text_pieces("a very long statement about bundle branch block " * 20, N)
    assert pieces.min() >= 0
    assert pieces.max() < N


def test_what_is_no_text_is_refused():
    with pytest.raises(OptionError, match="int arrived as text"):
        text_pieces(3, N)
    with pytest.raises(OptionError, match="characters"):
        text_pieces("x" * 3000, N)
