# SPDX-License-Identifier: Apache-2.0
"""Parts of a causal language model, whatever its authors called them."""

from __future__ import annotations

from typing import Any

from torch import nn

from precordia.core.errors import OptionError


def n_layers(network: nn.Module) -> int:
    """Return the number of layers."""
    return int(_text_settings(network).num_hidden_layers)


def layer_width(network: nn.Module) -> int:
    """Return the length of a vector between the layers."""
    return int(_text_settings(network).hidden_size)


def word_width(network: nn.Module) -> int:
    """Return the length of a vector of the vocabulary."""
    return int(_any(network).get_input_embeddings().weight.shape[1])


def out_width(network: nn.Module) -> int:
    """Return the length of a row by which a word is written."""
    return int(_any(network).get_output_embeddings().weight.shape[1])


def is_tied(network: nn.Module) -> bool:
    """Whether words are read and written with the same rows."""
    net = _any(network)
    return net.get_input_embeddings().weight is net.get_output_embeddings().weight


def decoder_layers(network: nn.Module) -> nn.ModuleList:
    """Return the layers through which the words go, first to last.

    Raises
    ------
    OptionError
        If there is no list of as many layers as the configuration says.

    Notes
    -----
    Llama, Qwen, Mistral and Gemma call them ``model.layers``, GPT-2 ``transformer.h``, OPT
    ``model.decoder.layers``, GPT-NeoX ``gpt_neox.layers``: the outermost list of the right length.
    """
    wanted = n_layers(network)
    for _, part in network.named_modules():  # outer ones come first
        if isinstance(part, nn.ModuleList) and len(part) == wanted:
            return part
    raise OptionError(
        f"{type(network).__name__} has no list of {wanted} layers; a decoder of transformers with "
        "one is needed for gated cross-attention. Take another adapter."
    )


def describe_network(network: nn.Module) -> dict[str, Any]:
    """Return what distinguishes a network from another at a glance."""
    said = _text_settings(network)
    return {
        "type": str(said.model_type),
        "layers": n_layers(network),
        "width": layer_width(network),
        "words": int(_any(network).get_input_embeddings().weight.shape[0]),
    }


def _text_settings(network: nn.Module) -> Any:
    config = _any(network).config
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def _any(network: nn.Module) -> Any:
    return network
