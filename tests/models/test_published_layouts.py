# SPDX-License-Identifier: Apache-2.0
"""Checkpoints in every layout of their authors become the same model; others are refused."""

import re

import pytest
import torch

from precordia.core.errors import OptionError, WeightsError
from precordia.models.load_model import load_model
from precordia.models.take_weights import take_weights

SMALL = {
    "ecg-fm": {"width": 8, "dim": 16, "depth": 2, "heads": 2},
    "melp": {"width": 8, "dim": 16, "depth": 1, "heads": 2, "embedding": 16},
    "hubert-ecg": {"size": "tiny"},
    "ecg-cpc": {"width": 8, "depth": 2, "steps": 50},
    "xecg": {"dim": 16, "blocks": "sms", "heads": 2},
}
X = torch.randn(2, 12, 500, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def make(name, seed=0, n_outputs=0, **options):
    model = load_model(
        name, n_outputs=n_outputs, n_samples=500, fs=100, seed=seed, **SMALL[name], **options
    )
    return model.eval()


def assert_same(model, other):
    with torch.inference_mode():
        assert torch.equal(model(X), other(X))


def split_attention(state, name):
    """Return a state with one map each for queries, keys and values."""
    apart = {}
    for key, value in state.items():
        if ".qkv." in key:
            for part, one in zip("qkv", value.chunk(3), strict=True):
                apart[key.replace("qkv", f"{name}.{part}_proj")] = one
        else:
            apart[key] = value
    return apart


FAIRSEQ = (
    (r"network\.convolutions\.(\d)\.0\.", r"feature_extractor.conv_layers.\1.0."),
    (r"network\.convolutions\.0\.1\.", "feature_extractor.conv_layers.0.2."),
    (r"network\.norm_frames\.", "layer_norm."),
    (r"network\.project\.", "post_extract_proj."),
    (r"network\.positions\.bias", "conv_pos.pos_conv.0.bias"),
    (r"network\.positions\.length", "conv_pos.pos_conv.0.weight_g"),
    (r"network\.positions\.direction", "conv_pos.pos_conv.0.weight_v"),
    (r"network\.norm\.", "encoder.layer_norm."),
    (r"network\.blocks\.(\d)\.attention\.self_attn\.", r"encoder.layers.\1.self_attn."),
    (r"network\.blocks\.(\d)\.attention\.out\.", r"encoder.layers.\1.self_attn.out_proj."),
    (r"network\.blocks\.(\d)\.norm_attention\.", r"encoder.layers.\1.self_attn_layer_norm."),
    (r"network\.blocks\.(\d)\.mlp\.0\.", r"encoder.layers.\1.fc1."),
    (r"network\.blocks\.(\d)\.mlp\.3\.", r"encoder.layers.\1.fc2."),
    (r"network\.blocks\.(\d)\.norm_mlp\.", r"encoder.layers.\1.final_layer_norm."),
)


def fairseq(model, before=""):
    """Return a model's weights as fairseq-signals with the older weight norm wrote them."""
    found = {}
    for key, value in split_attention(model.state_dict(), "self_attn").items():
        new = key
        for pattern, replacement in FAIRSEQ:
            new = re.sub(f"^{pattern}", replacement, new)
        found[before + new] = value
    return found


def test_ecg_fm_is_read_pretrained_and_fine_tuned():
    model, other = make("ecg-fm"), make("ecg-fm", seed=1)
    state = fairseq(model)
    for idle in ("mask_emb", "quantizer.vars", "project_q.weight", "final_proj.bias"):
        state[idle] = torch.zeros(3)
    take_weights(other, state, source="x")
    assert_same(model, other)
    model, other = make("ecg-fm", n_outputs=3), make("ecg-fm", seed=1, n_outputs=3)
    state = fairseq(model, before="encoder.")
    for kind in ("weight", "bias"):
        state[f"proj.{kind}"] = state.pop(f"encoder.head.{kind}")
    take_weights(other, state, source="x")
    assert_same(model, other)


def test_a_layer_that_lacks_its_keys_and_values_is_refused_by_their_names():
    state = fairseq(make("ecg-fm"))
    del state["encoder.layers.1.self_attn.k_proj.weight"]
    with pytest.raises(WeightsError, match=r"missing \(network.blocks.1.attention.qkv.weight"):
        take_weights(make("ecg-fm"), state, source="x")


@pytest.mark.parametrize("name", sorted(SMALL))
def test_unknown_missing_and_misshapen_keys_are_refused_by_name(name):
    model = make(name)
    ours = model.state_dict()
    some = next(key for key in ours if key.endswith("weight"))
    # Without one of its own keys a state counts as the authors'; what no rule knows stays.
    with pytest.raises(WeightsError, match=f"missing \\({some}"):
        take_weights(model, {k: v for k, v in ours.items() if k != some}, source="x")
    with pytest.raises(WeightsError, match=r"extra .*core\.unheard_of"):
        take_weights(model, {**ours, "core.unheard_of": torch.zeros(1)}, source="x")
    with pytest.raises(WeightsError, match="misshapen"):
        take_weights(model, {**ours, some: torch.zeros(1, 2, 3)}, source="x")


def test_melp_is_read_from_a_whole_file_beside_its_text_side():
    model, other = make("melp", reports=True), make("melp", seed=1, reports=True)
    state = {}
    for key, value in split_attention(model.state_dict(), "self_attn").items():
        new = key
        for pattern, replacement in FAIRSEQ:
            new = re.sub(f"^{pattern}", rf"ecg_encoder.{replacement}", new)
        for ours, theirs in (("beats", "contrast"), ("captions", "caption")):
            new = re.sub(rf"^{ours}\.norm\.", f"ln_{theirs}.", new)
            new = re.sub(rf"^{ours}\.norm_query\.", f"attn_pool_{theirs}.ln_q.", new)
            new = re.sub(rf"^{ours}\.norm_tokens\.", f"attn_pool_{theirs}.ln_k.", new)
            new = re.sub(rf"^{ours}\.out\.", f"attn_pool_{theirs}.attn.out_proj.", new)
            new = re.sub(rf"^{ours}\.query", f"attn_pool_{theirs}.query", new)
        state[f"ecg_encoder.{new}"] = value
    for ours, theirs in (("beats", "contrast"), ("captions", "caption")):
        ask = {k: state.pop(f"ecg_encoder.{ours}.ask.{k}") for k in ("weight", "bias")}
        offer = {k: state.pop(f"ecg_encoder.{ours}.offer.{k}") for k in ("weight", "bias")}
        inside = f"ecg_encoder.attn_pool_{theirs}.attn."
        state[inside + "in_proj_weight"] = torch.cat([ask["weight"], offer["weight"]])
        state[inside + "in_proj_bias"] = torch.cat([ask["bias"], offer["bias"]])
    sentences = state.pop("ecg_encoder.to_sentences.weight")
    state["ecg_encoder.proj_contrast"] = sentences.T.contiguous()
    state["ecg_encoder.logit_scale"] = torch.zeros(())
    state["text_encoder.layer.0.weight"] = state["lm_model.embed"] = torch.zeros(3)
    take_weights(other, state, source="x")
    with torch.inference_mode():
        ours, theirs = model.published_outputs(X), other.published_outputs(X)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    take_weights(bare := make("melp", seed=2), state, source="x")
    assert_same(model, bare)


def test_hubert_ecg_needs_its_codebook_only_where_scores_are_wanted():
    whole, bare = make("hubert-ecg", clusters=7), make("hubert-ecg", seed=1)
    state = whole.state_dict()
    state = {k.replace("codebook.project", "final_proj.0"): v for k, v in state.items()}
    state["label_embedding.0.weight"] = state.pop("codebook.entries.weight")
    for kind in ("weight", "bias"):
        state[f"feature_projection.projection.{kind}"] = state.pop(f"network.project.{kind}")
    state["masked_spec_embed"] = torch.zeros(64)
    take_weights(bare, state, source="x")
    assert_same(whole, bare)
    take_weights(scored := make("hubert-ecg", seed=1, clusters=7), state, source="x")
    with torch.inference_mode():
        logits = scored.published_outputs(X)["logits"]
        assert torch.equal(logits, whole.published_outputs(X)["logits"])
        assert logits.abs().max() <= 10
    assert "logits" not in bare.published_outputs(X)
    with pytest.raises(OptionError, match="clusters"):
        make("hubert-ecg", clusters=-1)


def test_kernels_of_ecg_cpc_for_another_number_of_steps_are_refused_with_that_number():
    key = "ts_encoder.predictor.predictor.s4_layers.0.kernel.kernel.omega"
    model = make("ecg-cpc")
    with pytest.raises(WeightsError, match=r"stored for 1200 steps; this model has 50.*steps=1200"):
        take_weights(model, {key: torch.zeros(601, 2)}, source="x")
    with pytest.raises(OptionError, match="steps is 7"):
        load_model("ecg-cpc", n_outputs=0, steps=7)


def test_padding_of_xecg_is_left_out_of_the_mean():
    model, x = make("xecg"), X.clone()
    x[0, :, 310:] = 0
    with torch.inference_mode():
        tokens, embedding = model.tokens(x), model.encode(x)
        assert torch.allclose(embedding[0], tokens[0, :13].mean(dim=0), atol=1e-6)
        assert torch.allclose(embedding[1], tokens[1].mean(dim=0), atol=1e-6)
        assert model.encode(torch.zeros(1, 12, 500)).isfinite().all()


def xlstm(model, *, elsewhere):
    """Return weights of xECG as the program of xLSTM stores them on one kind of machine."""
    pairs = (
        ("patches.weight", "patch_embedding.conv.weight"),
        ("memory.norm.", "xlstm.group_norm."),
        ("memory.past.filter.", "xlstm.conv1d.conv."),
        ("memory.content.", "xlstm.zgate."),
        ("memory.give.", "xlstm.ogate."),
        ("memory.recurrent", "xlstm.slstm_cell._recurrent_kernel_"),
        ("memory.bias", "xlstm.slstm_cell._bias_"),
        ("memory.query.", "xlstm.q_proj."),
        ("memory.key.", "xlstm.k_proj."),
        ("memory.value.", "xlstm.v_proj."),
        ("memory.skip", "xlstm.learnable_skip"),
        ("memory.widen.", "xlstm.proj_up."),
        ("memory.narrow.", "xlstm.proj_down."),
        ("norm_mixing.", "ffn_norm."),
        ("norm.weight", "xlstm_norm.weight"),
        ("widen.", "ffn.proj_up."),
        ("narrow.", "ffn.proj_down."),
    )
    found = {}
    for key, value in model.state_dict().items():
        block, inner = re.fullmatch(r"(?:(blocks\.\d\.))?(.+)", key).groups()
        matrix = block == "blocks.1."
        if inner.startswith("memory.enter."):
            inner = inner.replace(
                "memory.enter", "xlstm.mlstm_cell.igate" if matrix else "xlstm.fgate"
            )
        if inner.startswith("memory.keep."):
            inner = inner.replace(
                "memory.keep", "xlstm.mlstm_cell.fgate" if matrix else "xlstm.igate"
            )
        if matrix:
            inner = inner.replace("memory.norm.", "xlstm.mlstm_cell.outnorm.")
        for ours, theirs in pairs:
            if inner.startswith(ours):
                inner = theirs + inner.removeprefix(ours)
                break
        if "norm" in inner:
            value = value - 1
        if inner.endswith("_recurrent_kernel_") and elsewhere:
            value = value.transpose(1, 2)
        if inner.endswith("_bias_"):
            value = (value.transpose(0, 1) if elsewhere else value).reshape(-1)
        found[(f"core.model.{block}" if block else "") + inner] = value
    return found


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("before", ["", "model."])
def test_xecg_is_read_in_both_orders_of_its_gates_and_without_its_teacher(elsewhere, before):
    model, other = make("xecg"), make("xecg", seed=1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    state = {before + key: value for key, value in xlstm(model, elsewhere=elsewhere).items()}
    teacher = {
        f"{before}_teacher.{key.removeprefix(before)}": value for key, value in state.items()
    }
    idle = {before + "mask_token": torch.zeros(16), before + "attn_pool.q": torch.zeros(16)}
    take_weights(other, {**teacher, **state, **idle}, source="x")
    with torch.inference_mode():
        assert torch.allclose(other(X), model(X), atol=1e-5)
