# SPDX-License-Identifier: Apache-2.0
"""HeartLang: windows become sentences, and weights by the authors' keys.

That words and outputs are the authors' is in ``tests/benchmarking/test_parity.py``.
"""

import numpy as np
import pytest
import torch

from precordia.core.errors import LeadError, OptionError, WeightsError
from precordia.embedding.prepare import prepare
from precordia.io.read import read
from precordia.models.export import export_onnx
from precordia.models.load_model import load_model
from precordia.models.published_card import published_card
from precordia.models.take_weights import take_weights
from precordia.nn.xqrs import xqrs_beats

SMALL = {"width": 16, "depth": 2, "heads": 2, "head_dim": 4, "mlp_dim": 16}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def spikes(every, n_leads=12, n_samples=1000):
    """Narrow triangles at equal distances, of another height on each lead."""
    t = np.arange(n_samples)
    wave = np.maximum(0, 1 - np.abs((t - 25 + every // 2) % every - every // 2) / 4)
    return torch.from_numpy((wave * np.arange(1, n_leads + 1)[:, None] / 6).astype(np.float32))


@pytest.mark.parametrize("every", [40, 60, 85, 150])
def test_beats_are_found_and_stand_in_the_middle_of_their_words(every):
    model = load_model("heart-lang", n_outputs=0, **SMALL)
    said = model.sentence(spikes(every)[None])
    n_beats = len(range(25, 1000, every))
    heard = said.leads[0]
    assert (heard == 1).sum() == n_beats
    assert heard[heard > 0].tolist() == sorted(heard[heard > 0].tolist())
    top = said.words[0, : n_beats - 1].argmax(dim=1)
    assert (top - 48).abs().max() <= 2
    assert said.times[0, :n_beats].tolist() == [
        min(c // 100 + 1, 10) for c in range(25, 1000, every)
    ]


def test_nothing_that_beats_is_a_sentence_without_words():
    model = load_model("heart-lang", n_outputs=0, **SMALL).eval()
    said = model.sentence(torch.zeros(1, 12, 1000))
    assert not said.leads.any()
    flat = model.sentence(torch.full((1, 12, 1000), -3.0))
    assert not flat.leads.any()
    with torch.inference_mode():
        assert model.encode(torch.zeros(1, 12, 1000)).isfinite().all()


def test_absent_leads_have_no_words():
    model = load_model("heart-lang", n_outputs=0, **SMALL)
    present = torch.ones(1, 12)
    present[0, [0, 5]] = 0
    said = model.sentence(spikes(100)[None] * present[0, :, None], present)
    assert sorted(set(said.leads[0].tolist())) == [0, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12]


def test_beats_that_are_known_are_taken():
    model = load_model("heart-lang", n_outputs=0, **SMALL)
    x = torch.randn(1, 12, 1000)
    said = model.sentence(x, places=torch.tensor([[100, 300, 500]]))
    assert said.times[0, :6].tolist() == [2, 4, 6, 2, 4, 6]
    assert torch.equal(said.words[0, 1], x[0, 0, 252:348])


def test_published_weights_hear_the_marks_of_xqrs_on_the_first_lead_that_is_there():
    model = load_model("heart-lang", n_outputs=0, beats="xqrs", **SMALL)
    x = torch.stack([spikes(85), spikes(60), torch.zeros(12, 1000)])
    x[:, 0] = x[:, 0].roll(20, dims=1)
    present = torch.ones(3, 12)
    present[1, 0] = 0
    said = model.sentence(x, present)
    for k, first in enumerate((0, 1)):
        marks = torch.from_numpy(xqrs_beats(x[k, first].numpy(), 100))[None]
        known = model.sentence(x[k : k + 1], present[k : k + 1], places=marks)
        for ours, expected in zip(said, known, strict=True):
            assert torch.equal(ours[k], expected[0])
    assert not said.leads[2].any()
    assert model.sentence(x[:0], present[:0]).words.shape == (0, 256, 96)


def test_marks_outside_of_pytorch_are_no_part_of_a_graph(tmp_path):
    model = load_model("heart-lang", n_outputs=0, beats="xqrs", **SMALL)
    with pytest.raises(OptionError, match="beats='slope'"):
        export_onnx(model, tmp_path / "m.onnx")


def test_the_first_and_the_last_word_are_neighbours():
    model = load_model("heart-lang", n_outputs=0, **SMALL).eval()
    weight, words = model.project.weight, torch.randn(1, 5, 96)
    around = torch.cat([words[:, -1:], words, words[:, :1]], dim=1)
    ours = model.project(around.transpose(1, 2)).transpose(1, 2)
    for k in range(5):
        three = [words[0, (k + j - 1) % 5] for j in range(3)]
        expected = sum(weight[:, :, j] @ three[j] for j in range(3))
        assert torch.allclose(ours[0, k], expected, atol=1e-5)


def test_beats_of_real_recordings_are_those_of_cardiologists(shared_data):
    """LUDB marks the QRS complexes of about eight of ten seconds: those are compared."""
    wfdb = pytest.importorskip("wfdb")
    spec = published_card("heart-lang.base").input
    model = load_model("heart-lang", n_outputs=0, **SMALL)
    hits = wrong = missed = 0
    for place in sorted((shared_data / "ludb" / "data").glob("*.hea"))[::7]:
        marks = wfdb.rdann(str(place.with_suffix("")), "ii")
        truth = marks.sample[np.array(marks.symbol) == "N"] / 5
        x = torch.from_numpy(np.array(prepare(read(place), spec).windows))
        places, found = model.find_beats.find(x, torch.ones(1, 12))
        ours = places[0][found[0] > 0].numpy()
        ours = ours[(ours > truth[0] - 10) & (ours < truth[-1] + 10)]
        near = np.abs(ours[:, None] - truth) <= 10
        hits += near.any(axis=0).sum()
        missed += (~near.any(axis=0)).sum()
        wrong += (~near.any(axis=1)).sum()
    assert hits > 100
    assert 2 * hits / (2 * hits + wrong + missed) > 0.99


#: shapes by the authors' keys, of a small model
OUTSIDE = """
    mask_token 1 1 16, cls_token 16, pos_embed 1 257 16, token_embed.tokenConv.weight 16 96 3,
    spa_embed.embed.weight 16 16, tem_embed.embed.weight 16 16, norm_layer.weight 16,
    norm_layer.bias 16
"""
BLOCK = """
    0.norm.weight 16, 0.norm.bias 16, 0.to_qkv.weight 24 16, 0.to_out.0.weight 16 8,
    0.to_out.0.bias 16, 1.net.0.weight 16, 1.net.0.bias 16, 1.net.1.weight 16 16, 1.net.1.bias 16,
    1.net.4.weight 16 16, 1.net.4.bias 16
"""


def shapes_of(text):
    entries = (entry.split() for entry in text.split(","))
    return {key: tuple(map(int, shape)) for key, *shape in entries}


def authors_state(prefix="", classes=0, vocabulary=32):
    shapes = {
        **shapes_of(OUTSIDE),
        "lm_head.weight": (vocabulary, 16),
        "lm_head.bias": (vocabulary,),
    }
    for k in range(2):
        shapes |= {f"transformer.layers.{k}.{key}": s for key, s in shapes_of(BLOCK).items()}
    state = {prefix + key: torch.randn(shape) for key, shape in shapes.items()}
    if classes:
        head = {"mlp_head.weight": (classes, 16), "mlp_head.bias": (classes,)}
        state |= {key: torch.randn(shape) for key, shape in head.items()}
    return state


def test_weights_of_pretraining_and_of_fine_tuning_are_taken():
    plain = load_model("heart-lang", n_outputs=0, **SMALL)
    state = authors_state()
    take_weights(plain, state, source="file")
    assert torch.equal(plain.start, state["cls_token"])
    scoring = load_model("heart-lang", n_outputs=0, vocabulary=32, **SMALL)
    take_weights(scoring, state, source="file")
    assert torch.equal(scoring.score_words.weight, state["lm_head.weight"])
    tuned = load_model("heart-lang", n_outputs=3, **SMALL)
    state = authors_state("backbone.", classes=3)
    take_weights(tuned, state, source="file")
    assert torch.equal(tuned.head.weight, state["mlp_head.weight"])


def test_other_weights_are_refused_by_their_keys():
    model = load_model("heart-lang", n_outputs=0, vocabulary=64, **SMALL)
    with pytest.raises(WeightsError, match=r"score_words\.weight 32x16 for 64x16"):
        take_weights(model, authors_state(), source="file")
    with pytest.raises(WeightsError, match=r"1 extra \(decoder\.weight\)"):
        state = {**authors_state(vocabulary=64), "decoder.weight": torch.zeros(1)}
        take_weights(model, state, source="file")


def test_leads_without_a_place_are_refused():
    with pytest.raises(LeadError, match="no place for V7"):
        load_model("heart-lang", n_outputs=0, leads=("I", "V7"))
    with pytest.raises(OptionError, match="vocabulary"):
        load_model("heart-lang", n_outputs=0, vocabulary=-1)
