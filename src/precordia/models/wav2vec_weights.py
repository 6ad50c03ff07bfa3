# SPDX-License-Identifier: Apache-2.0
"""Weights of wav2vec networks by other programs' keys become those of `precordia.nn.wav2vec`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

#: rows in which the maps to queries, keys and values stand in one matrix
_JOINED = ("q_proj", "k_proj", "v_proj")
#: both ways of storing length and direction of a kernel
_LENGTH = r"(?:weight_g|parametrizations\.weight\.original0)"
_DIRECTION = r"(?:weight_v|parametrizations\.weight\.original1)"

#: fairseq-signals, as of ECG-FM and MELP
FAIRSEQ = (
    (r"feature_extractor\.conv_layers\.(\d+)\.0\.weight", r"convolutions.\1.0.weight"),
    (r"feature_extractor\.conv_layers\.0\.2\.(weight|bias)", r"convolutions.0.1.\1"),
    (r"layer_norm\.(weight|bias)", r"norm_frames.\1"),
    (r"post_extract_proj\.(weight|bias)", r"project.\1"),
    (r"conv_pos\.pos_conv\.0\.bias", "positions.bias"),
    (rf"conv_pos\.pos_conv\.0\.{_LENGTH}", "positions.length"),
    (rf"conv_pos\.pos_conv\.0\.{_DIRECTION}", "positions.direction"),
    (r"encoder\.layer_norm\.(weight|bias)", r"norm.\1"),
    (r"encoder\.layers\.(\d+)\.self_attn\.qkv\.(weight|bias)", r"blocks.\1.attention.qkv.\2"),
    (r"encoder\.layers\.(\d+)\.self_attn\.out_proj\.(weight|bias)", r"blocks.\1.attention.out.\2"),
    (r"encoder\.layers\.(\d+)\.self_attn_layer_norm\.(\w+)", r"blocks.\1.norm_attention.\2"),
    (r"encoder\.layers\.(\d+)\.fc1\.(weight|bias)", r"blocks.\1.mlp.0.\2"),
    (r"encoder\.layers\.(\d+)\.fc2\.(weight|bias)", r"blocks.\1.mlp.3.\2"),
    (r"encoder\.layers\.(\d+)\.final_layer_norm\.(\w+)", r"blocks.\1.norm_mlp.\2"),
)

#: transformers, as of HuBERT-ECG
TRANSFORMERS = (
    (r"feature_extractor\.conv_layers\.(\d+)\.conv\.weight", r"convolutions.\1.0.weight"),
    (r"feature_extractor\.conv_layers\.0\.layer_norm\.(\w+)", r"convolutions.0.1.\1"),
    (r"feature_projection\.layer_norm\.(weight|bias)", r"norm_frames.\1"),
    (r"feature_projection\.projection\.(weight|bias)", r"project.\1"),
    (r"encoder\.pos_conv_embed\.conv\.bias", "positions.bias"),
    (rf"encoder\.pos_conv_embed\.conv\.{_LENGTH}", "positions.length"),
    (rf"encoder\.pos_conv_embed\.conv\.{_DIRECTION}", "positions.direction"),
    (r"encoder\.layer_norm\.(weight|bias)", r"norm.\1"),
    (r"encoder\.layers\.(\d+)\.attention\.qkv\.(weight|bias)", r"blocks.\1.attention.qkv.\2"),
    (r"encoder\.layers\.(\d+)\.attention\.out_proj\.(weight|bias)", r"blocks.\1.attention.out.\2"),
    (r"encoder\.layers\.(\d+)\.layer_norm\.(weight|bias)", r"blocks.\1.norm_attention.\2"),
    (r"encoder\.layers\.(\d+)\.feed_forward\.intermediate_dense\.(\w+)", r"blocks.\1.mlp.0.\2"),
    (r"encoder\.layers\.(\d+)\.feed_forward\.output_dense\.(weight|bias)", r"blocks.\1.mlp.3.\2"),
    (r"encoder\.layers\.(\d+)\.final_layer_norm\.(weight|bias)", r"blocks.\1.norm_mlp.\2"),
)


def rename_wav2vec(
    state: Mapping[str, Tensor],
    rules: tuple[tuple[str, str], ...],
    *,
    theirs: str = "",
    ours: str = "network.",
) -> dict[str, Tensor]:
    """Rename weights by rules; what no rule knows keeps its key.

    Parameters
    ----------
    state
        Weights by the other program's keys.
    rules
        Regular expressions of whole keys and what stands in their place: `FAIRSEQ` or
        `TRANSFORMERS`.
    theirs, ours
        Prefixes of the network's keys.

    Examples
    --------
    >>> list(rename_wav2vec({"x.layer_norm.bias": torch.zeros(1)}, FAIRSEQ, theirs="x."))
    ['network.norm_frames.bias']
    """
    joined = join_attention(state)
    return {_renamed(key, rules, theirs, ours): value for key, value in joined.items()}


def _renamed(key: str, rules: tuple[tuple[str, str], ...], theirs: str, ours: str) -> str:
    if not key.startswith(theirs):
        return key
    inner = key.removeprefix(theirs)
    for pattern, replacement in rules:
        if match := re.fullmatch(pattern, inner):
            return ours + match.expand(replacement)
    return key


def join_attention(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put the maps to queries, keys and values of each layer into one matrix.

    Layers that lack one of the three stay as they are.

    Examples
    --------
    >>> three = {f"a.{name}.bias": torch.zeros(2) for name in ("k_proj", "q_proj", "v_proj")}
    >>> {key: tuple(value.shape) for key, value in join_attention(three).items()}
    {'a.qkv.bias': (6,)}
    """
    joined = dict(state)
    for key in state:
        layer, _, kind = key.rpartition(".q_proj.")
        parts = [f"{layer}.{name}.{kind}" for name in _JOINED]
        if layer and all(part in state for part in parts):
            joined[f"{layer}.qkv.{kind}"] = torch.cat([joined.pop(part) for part in parts])
    return joined
