# SPDX-License-Identifier: Apache-2.0
"""Any causal model can be shown recordings, in four ways, and says before what it said before."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

from precordia.core.errors import OptionError, UnknownNameError  # noqa: E402
from precordia.language.adapted_model import AdaptedModel  # noqa: E402
from precordia.language.causal_model import causal_model  # noqa: E402
from precordia.language.low_rank import LowRank, add_low_rank, target_names  # noqa: E402
from precordia.language.make_adapter import (  # noqa: E402
    adapter_takes,
    list_adapters,
    make_adapter,
)
from precordia.language.question_batch import (  # noqa: E402
    NO_ANSWER,
    Question,
    batch_questions,
    without_recordings,
)
from precordia.language.tiny_model import make_tiny_model  # noqa: E402

TEXTS = ("ECG: Question: is this beat wide? Answer: yes", "First Second is it so slow? no, never")
SHAPES = {
    "signal": {"n_leads": 2, "n_samples": 40},
    "embedding": {"dim": 6},
    "symbols": {"n_symbols": 5},
}
OPTIONS = {
    "soft-prompt": {"dim": 16, "depth": 1, "heads": 2},
    "gated-cross-attention": {"dim": 16, "n_latents": 3, "depth": 1, "heads": 2},
    "prefix-mapper": {"n_places": 3, "heads": 2},
    "vocabulary-extension": {},
}
KINDS = ("llama", "gpt2", "qwen", "opt")


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def words():
    return make_tiny_model(TEXTS, dim=16, layers=1, heads=2)


def network_of(kind, n_words):
    """A tiny network of each family: tied and untied rows, Linear and Conv1D, narrow words."""
    t, ends = transformers, {"bos_token_id": 1, "eos_token_id": 2}
    torch.manual_seed(3)
    if kind == "gpt2":
        config = t.GPT2Config(
            vocab_size=n_words, n_embd=16, n_layer=2, n_head=2, n_positions=128, **ends
        )
        return t.GPT2LMHeadModel(config)
    size = {"vocab_size": n_words, "hidden_size": 16, "num_hidden_layers": 2, **ends}
    heads = {"num_attention_heads": 2}
    if kind == "opt":
        narrow = {"word_embed_proj_dim": 8, "ffn_dim": 32, "max_position_embeddings": 128}
        return t.OPTForCausalLM(t.OPTConfig(**size, **heads, **narrow, pad_token_id=0))
    heads |= {"num_key_value_heads": 1, "intermediate_size": 32, "tie_word_embeddings": False}
    if kind == "qwen":
        return t.Qwen2ForCausalLM(t.Qwen2Config(**size, **heads))
    return t.LlamaForCausalLM(t.LlamaConfig(**size, **heads))


def recording(takes, seed):
    rng = np.random.default_rng(seed)
    if takes == "symbols":
        return rng.integers(0, 5, 3 + seed)
    shape = (2, 40) if takes == "signal" else (6,)
    return rng.normal(size=shape).astype(np.float32)


def questions(takes):
    """Rows of one, two and no recording, of different lengths."""
    some = [recording(takes, seed) for seed in range(3)]
    return [
        Question("is this beat wide?", (some[0],), "yes"),
        Question("is it so slow?", (some[1], some[2]), "no, never"),
        Question("is it?", (), "no"),
    ]


def adapted(kind, name, words, low_rank=LowRank()):  # noqa: B008
    network = network_of(kind, words.about["words"])
    base = causal_model(network, words.tokenizer, kind)
    adapter = make_adapter(name, network, SHAPES[adapter_takes(name)], options=OPTIONS[name])
    model = AdaptedModel(base, adapter, low_rank)
    for parameter in adapter.parameters():
        if parameter.ndim == 0:
            parameter.data.fill_(0.5)  # a gate that is open
    if name == "vocabulary-extension":
        adapter.rows.data.normal_(std=0.1)  # words that were told apart
    return model


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list_adapters())
def test_a_batch_of_mixed_lengths_says_what_each_question_says_alone(kind, name, words):
    model = adapted(kind, name, words)
    asked = questions(model.adapter.takes)
    with torch.no_grad():
        together = model(batch_questions(model.base, model.adapter, asked))
        for k, question in enumerate(asked):
            alone = model(batch_questions(model.base, model.adapter, [question]))[0]
            torch.testing.assert_close(together[k, : len(alone)], alone, atol=2e-6, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list_adapters())
def test_another_recording_changes_what_is_said(kind, name, words):
    model = adapted(kind, name, words)
    asked = questions(model.adapter.takes)[:1]
    other = [Question(asked[0].text, (recording(model.adapter.takes, 0)[::-1].copy(),), "yes")]
    with torch.no_grad():
        one = model(batch_questions(model.base, model.adapter, asked))[0, -1]
        two = model(batch_questions(model.base, model.adapter, other))[0, -1]
    assert float((one - two).abs().max()) > 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_closed_gates_leave_every_score_as_it_was(kind, words):
    network = network_of(kind, words.about["words"]).eval()
    base = causal_model(network, words.tokenizer, kind)
    adapter = make_adapter(
        "gated-cross-attention", network, SHAPES["signal"], options=OPTIONS["gated-cross-attention"]
    )
    asked = questions("signal")
    batch = batch_questions(base, adapter, asked)
    with torch.no_grad():
        before = network(
            inputs_embeds=network.get_input_embeddings()(batch.ids),
            attention_mask=batch.allowed.long(),
        ).logits
        model = AdaptedModel(base, adapter)
        assert torch.equal(model(batch), before)
        adapter.looks[0].gate_look.fill_(0.3)
        assert not torch.equal(model(batch), before)
        adapter.detach()
        assert torch.equal(model(batch), before)


@pytest.mark.parametrize("kind", KINDS)
def test_new_words_begin_at_the_mean_of_the_old_which_stay_to_the_bit(kind, words):
    network = network_of(kind, words.about["words"]).eval()
    n_old = words.about["words"]
    ids = torch.tensor([[1, 4, 5, 6]])
    before_in = network.get_input_embeddings().weight.detach().clone()
    before_out = network.get_output_embeddings().weight.detach().clone()
    with torch.no_grad():
        said = network(input_ids=ids).logits
    model = adapted_of(network, words, "vocabulary-extension")
    rows = network.get_input_embeddings().weight
    heads = network.get_output_embeddings().weight
    assert network.config.get_text_config().vocab_size == n_old + 5 + 2 == len(rows) == len(heads)
    assert torch.equal(rows[:n_old], before_in)
    assert torch.equal(heads[:n_old], before_out)
    torch.testing.assert_close(rows[-1], before_in.mean(dim=0))
    torch.testing.assert_close(heads[n_old], before_out.mean(dim=0))
    with torch.no_grad():
        torch.testing.assert_close(network(input_ids=ids).logits[..., :n_old], said)
    learn(model)
    assert torch.equal(network.get_input_embeddings().weight[:n_old], before_in)
    assert torch.equal(network.get_output_embeddings().weight[:n_old], before_out)
    symbols = torch.tensor([[1, n_old + 2, n_old + 6, 4]])
    with torch.no_grad():
        through = network(input_ids=symbols).logits
        model.adapter.write_rows()
        for hook in model.adapter._hooks:
            hook.remove()
        torch.testing.assert_close(network(input_ids=symbols).logits, through)
        model.adapter.detach()
        assert torch.equal(network(input_ids=ids).logits, said)


def adapted_of(network, words, name, low_rank=LowRank()):  # noqa: B008
    base = causal_model(network, words.tokenizer, "a network")
    adapter = make_adapter(name, network, SHAPES[adapter_takes(name)], options=OPTIONS[name])
    return AdaptedModel(base, adapter, low_rank)


def learn(model, steps=3):
    asked = questions(model.adapter.takes)
    optimiser = torch.optim.AdamW(model.learning().values(), lr=0.01)
    batch = batch_questions(model.base, model.adapter, asked)
    model.train()
    for _ in range(steps):
        optimiser.zero_grad()
        model.loss(batch).backward()
        optimiser.step()
    model.eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list_adapters())
def test_the_gradient_reaches_the_adapter_and_low_rank_changes_and_nothing_else(kind, name, words):
    network = network_of(kind, words.about["words"])
    model = adapted_of(network, words, name, LowRank(rank=2, dropout=0.0))
    frozen = {n: p.detach().clone() for n, p in network.named_parameters() if ".lora_" not in n}
    model.train()
    model.loss(
        batch_questions(model.base, model.adapter, questions(model.adapter.takes))
    ).backward()
    assert all(p.grad is None for n, p in network.named_parameters() if n in frozen)
    learn(model, steps=4)
    after = dict(network.named_parameters())
    assert all(torch.equal(after[n], held) for n, held in frozen.items())
    moved = [p for p in model.adapter.parameters() if p.grad is not None and p.grad.abs().sum()]
    assert len(moved) >= 0.9 * len(list(model.adapter.parameters()))
    changes = [p for n, p in network.named_parameters() if ".lora_B" in n]
    assert changes
    assert all(float(p.detach().abs().sum()) > 0 for p in changes)


@pytest.mark.parametrize("kind", KINDS)
def test_low_rank_changes_keep_away_from_words_and_head(kind, words):
    network = network_of(kind, words.about["words"])
    names = target_names(network, LowRank(rank=2))
    assert not [n for n in names if "lm_head" in n or "embed" in n or n.endswith("wte")]
    few = target_names(network, LowRank(rank=2, preset="queries-keys"))
    assert 0 < len(few) < len(names)
    per_layer = {"llama": 7, "qwen": 7, "opt": 6, "gpt2": 4}[kind]
    assert len(names) == 2 * per_layer
    assert add_low_rank(network, LowRank(rank=0)) == ()


def test_labels_stand_on_the_answer_alone(words):
    adapter = make_adapter("prefix-mapper", words.network, {"dim": 6}, options={"heads": 2})
    batch = batch_questions(words, adapter, questions("embedding"))
    for k, answer in enumerate(("yes", "no, never", "no")):
        wanted = [*words.ids(f" {answer}"), words.end]
        held = batch.labels[k][batch.labels[k] != NO_ANSWER]
        assert held.tolist() == wanted
        last = int(batch.allowed[k].sum())
        assert batch.labels[k, last - len(wanted) : last].tolist() == wanted
    assert (batch.ids == -1).sum() == 3 * 12


def test_the_likelihood_of_an_answer_is_the_mean_over_its_tokens(words):
    model = adapted("llama", "soft-prompt", words)
    asked = questions("signal")
    batch = batch_questions(model.base, model.adapter, asked)
    with torch.no_grad():
        logs = model(batch).log_softmax(dim=-1)
        told = model.answer_likelihood(batch)
    for k in range(len(asked)):
        places = [p for p in range(batch.labels.shape[1]) if batch.labels[k, p] != NO_ANSWER]
        one = [float(logs[k, p - 1, batch.labels[k, p]]) for p in places]
        assert float(told[k]) == pytest.approx(np.mean(one), abs=1e-5)


def test_a_prefix_may_be_made_of_an_encoders_tokens_too(words):
    told = {"n_places": 2, "heads": 2, "n_tokens": 5, "token_dim": 3}
    adapter = make_adapter("prefix-mapper", words.network, {"dim": 6}, options=told)
    held = torch.randn(4, 6 + 15, requires_grad=True)
    made = adapter(held)
    made.square().sum().backward()
    assert made.shape == (4, 2, 16)
    assert float(held.grad[:, 6:].abs().min()) > 0


def test_nothing_in_place_of_a_recording_is_zeros_or_no_symbol():
    blank = without_recordings(questions("signal"))
    assert not any(r.any() for q in blank for r in q.recordings)
    assert [r.size for q in without_recordings(questions("symbols")) for r in q.recordings] == [
        0,
        0,
        0,
    ]


def test_what_is_unknown_or_impossible_is_refused_in_a_sentence(words):
    with pytest.raises(UnknownNameError, match="soft-prompt"):
        adapter_takes("soft-promt")
    with pytest.raises(UnknownNameError, match="patch"):
        make_adapter("soft-prompt", words.network, SHAPES["signal"], options={"patches": 2})
    with pytest.raises(OptionError, match="soft-prompt cannot be made"):
        make_adapter("soft-prompt", words.network, SHAPES["signal"], options={"dim": 7})
    with pytest.raises(UnknownNameError, match="all-linear"):
        LowRank(rank=2, preset="all-linar")
    with pytest.raises(OptionError, match="no layer"):
        add_low_rank(words.network, LowRank(rank=2, targets=["nowhere"]))
    adapter = make_adapter("vocabulary-extension", words.network, {"n_symbols": 5})
    with pytest.raises(OptionError, match="symbols from 2 to 7"):
        adapter.places(np.array([2, 7]))


def test_more_places_than_a_model_has_are_refused(words):
    network = network_of("gpt2", words.about["words"])
    base = causal_model(network, words.tokenizer, "short")
    long = {"n_leads": 2, "n_samples": 400}
    options = OPTIONS["soft-prompt"]
    model = AdaptedModel(base, make_adapter("soft-prompt", network, long, options=options))
    asked = [Question("is it?", (np.zeros((2, 400), np.float32),), "yes")]
    with pytest.raises(OptionError, match="'short' takes 128"):
        model(batch_questions(base, model.adapter, asked))
