# SPDX-License-Identifier: Apache-2.0
"""Adapters learn what the recording alone can tell, and come back from a file as they were."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from precordia.core.errors import (  # noqa: E402
    MissingFileError,
    OptionError,
    OutputError,
    WeightsError,
)
from precordia.language.adapted_model import AdaptedModel  # noqa: E402
from precordia.language.choose_answer import chosen_answers, option_likelihoods  # noqa: E402
from precordia.language.fit_adapter import fit_adapter  # noqa: E402
from precordia.language.low_rank import LowRank  # noqa: E402
from precordia.language.make_adapter import (  # noqa: E402
    adapter_takes,
    list_adapters,
    make_adapter,
)
from precordia.language.question_batch import Question, without_recordings  # noqa: E402
from precordia.language.recording_input import RecordingInput, usual_signal  # noqa: E402
from precordia.language.saved_adapter import load_adapter, save_adapter  # noqa: E402
from precordia.language.tiny_model import make_tiny_model  # noqa: E402
from precordia.training.settings import TrainingSettings  # noqa: E402

ASKED = "Is the beat wide?"
#: what a language model knows before: that what stands before a question may tell its answer
NOTES = [
    f"ECG: {note}\nQuestion: {ASKED}\nAnswer: {answer}"
    for note, answer in (("wide", "yes"), ("narrow", "no"))
]
SHAPES = {
    "signal": {"n_leads": 2, "n_samples": 40},
    "embedding": {"dim": 6},
    "symbols": {"n_symbols": 6},
}
OPTIONS = {
    "soft-prompt": {"patch": 10, "dim": 16, "depth": 1, "heads": 2, "mlp_ratio": 2.0},
    "gated-cross-attention": {"patch": 10, "dim": 16, "n_latents": 2, "depth": 1, "heads": 2},
    "prefix-mapper": {"n_places": 2, "depth": 1, "heads": 2},
    "vocabulary-extension": {},
}
SETTINGS = TrainingSettings(epochs=60, batch_size=8, lr=0.01)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@functools.cache
def _read(seed):
    return make_tiny_model(
        NOTES, dim=32, layers=2, heads=2, epochs=60, lr=0.01, batch_size=2, seed=seed
    )


def tiny(seed=0):
    """A model that has read the notes, made once and copied."""
    model = _read(seed)
    return dataclasses.replace(model, network=copy.deepcopy(model.network))


def recording(takes, wide, seed):
    """A beat of 4 or of 16 samples; a vector on one of two sides; one of two symbols."""
    rng = np.random.default_rng(seed)
    if takes == "signal":
        half = 8 if wide else 2
        beat = np.zeros((2, 40))
        beat[:, 20 - half : 20 + half] = 1
        return (beat + 0.1 * rng.normal(size=beat.shape)).astype(np.float32)
    if takes == "embedding":
        side = np.array([1, -1, 0, 0, 0, 0]) * (1 if wide else -1)
        return (side + 0.3 * rng.normal(size=6)).astype(np.float32)
    return np.r_[rng.integers(0, 4, 4), [4 if wide else 5], rng.integers(0, 4, 2)]


def eight(takes, first=0):
    return [
        Question(ASKED, (recording(takes, k % 2 == 0, first + k),), "no" if k % 2 else "yes")
        for k in range(8)
    ]


def adapted(name, base, low_rank=LowRank()):  # noqa: B008
    adapter = make_adapter(name, base.network, SHAPES[adapter_takes(name)], options=OPTIONS[name])
    return AdaptedModel(base, adapter, low_rank)


def n_right(model, asked):
    given = chosen_answers(model, [(q.text, q.recordings, ("no", "yes")) for q in asked])
    return sum(g == q.answer for g, q in zip(given, asked, strict=True))


@pytest.mark.parametrize("name", list_adapters())
def test_same_question_different_recordings_can_be_learned_through_the_adapter_alone(name):
    model = adapted(name, tiny())
    asked, fresh = eight(model.adapter.takes), eight(model.adapter.takes, first=100)
    fitted = fit_adapter(model, asked, settings=SETTINGS)
    assert n_right(model, asked) == 8
    assert n_right(model, fresh) >= 7  # of recordings it was not trained on
    assert fitted.epochs[-1]["loss"] < fitted.epochs[0]["loss"]
    # without any recording the two answers of the one question cannot be told apart
    blind = adapted(name, tiny())
    blank = without_recordings(asked)
    few = TrainingSettings(epochs=15, batch_size=8, lr=0.01)
    told = fit_adapter(blind, blank, settings=few)
    assert n_right(blind, blank) == 4
    # half of the answers, two tokens each with a certain end: ln 2 / 2 is the least there can be
    assert told.epochs[-1]["loss"] >= np.log(2) / 2 - 1e-3


@pytest.mark.parametrize("name", list_adapters())
def test_an_adapter_comes_back_with_the_same_scores_to_the_bit(name, tmp_path):
    model = adapted(name, tiny(), LowRank(rank=2, dropout=0.0))
    takes = model.adapter.takes
    few = TrainingSettings(epochs=3, batch_size=8, lr=0.02)
    fit_adapter(model, eight(takes), settings=few)
    shown = _input_of(takes)
    place = save_adapter(model, shown, tmp_path / "adapter")
    asked = (recording(takes, True, 5),)
    before = option_likelihoods(model, ASKED, asked, ("no", "yes", "narrow"))
    loaded, again, card = load_adapter_of(place, tiny())
    assert (option_likelihoods(loaded, ASKED, asked, ("no", "yes", "narrow")) == before).all()
    assert again.takes == takes
    assert card["base"]["type"] == "llama"
    size = sum(p.numel() for p in model.learning().values())
    assert (place / "adapter.safetensors").stat().st_size < 4 * size + 20_000
    with pytest.raises(OutputError, match="exists"):
        save_adapter(model, shown, place)
    with pytest.raises(WeightsError, match="same shape, but other weights"):
        load_adapter_of(place, tiny(seed=1))
    wider = make_tiny_model(NOTES, dim=48, layers=3, heads=2)
    with pytest.raises(WeightsError, match="layers 3 instead of 2; width 48 instead of 32"):
        load_adapter_of(place, wider)


def _input_of(takes):
    if takes == "signal":
        return RecordingInput(takes, spec=usual_signal(("I", "II"), 10, 4))
    return RecordingInput(takes, tokenizer="beats")


def load_adapter_of(place, base):
    """Load with the small shapes of these tests in place of those of real encoders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RecordingInput, "shape", property(lambda self: SHAPES[self.takes]))
        return load_adapter(place, base)


def test_a_damaged_adapter_or_an_absent_model_is_a_sentence(tmp_path):
    model = adapted("soft-prompt", tiny())
    place = save_adapter(model, _input_of("signal"), tmp_path / "adapter")
    with pytest.raises(MissingFileError, match="is not there"):
        load_adapter(place)
    with pytest.raises(MissingFileError, match="holds no adapter"):
        load_adapter(tmp_path)
    weights = place / "adapter.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(WeightsError, match="damaged"):
        load_adapter(place, tiny())


def test_a_training_that_was_interrupted_goes_on_to_the_same_weights(tmp_path):
    asked = eight("signal")
    settings = TrainingSettings(epochs=3, batch_size=4, lr=0.02, checkpoint_steps=1)
    low_rank = LowRank(rank=2, dropout=0.2)
    whole = adapted("soft-prompt", tiny(), low_rank)
    fit_adapter(whole, asked, asked[:2], settings, folder=tmp_path / "whole")

    def stop(done, total, words):
        if done == 3:
            raise KeyboardInterrupt

    part = adapted("soft-prompt", tiny(), low_rank)
    with pytest.raises(KeyboardInterrupt):
        fit_adapter(part, asked, asked[:2], settings, folder=tmp_path / "part", watch=stop)
    again = adapted("soft-prompt", tiny(), low_rank)
    fit_adapter(again, asked, asked[:2], settings, folder=tmp_path / "part", resume=True)
    held = again.learned_state()
    for name, tensor in whole.learned_state().items():
        assert torch.equal(tensor, held[name]), name
    logs = [
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("whole", "part")
    ]
    assert logs[0] == logs[1]
    with pytest.raises(OutputError, match="holds a training already"):
        fit_adapter(again, asked, asked[:2], settings, folder=tmp_path / "part")
    other = TrainingSettings(epochs=3, batch_size=4, lr=0.01, checkpoint_steps=1)
    with pytest.raises(WeightsError, match=r"lr was 0\.02"):
        fit_adapter(again, asked, asked[:2], other, folder=tmp_path / "part", resume=True)


def test_a_batch_in_parts_learns_what_the_whole_batch_does():
    asked = eight("embedding")
    states = []
    for parts in (1, 4):
        model = adapted("prefix-mapper", tiny())
        told = TrainingSettings(epochs=2, batch_size=8, lr=0.01, accumulate=parts)
        fit_adapter(model, asked, settings=told)
        states.append(model.learned_state())
    for name, tensor in states[0].items():
        torch.testing.assert_close(tensor, states[1][name], atol=2e-4, rtol=0)


def test_settings_that_mean_nothing_are_refused():
    model = adapted("prefix-mapper", tiny())
    with pytest.raises(OptionError, match=r"training\.mixup"):
        fit_adapter(model, eight("embedding"), settings=TrainingSettings(mixup=0.5))
    with pytest.raises(OptionError, match="no question"):
        fit_adapter(model, [])
