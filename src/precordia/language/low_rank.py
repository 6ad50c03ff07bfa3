# SPDX-License-Identifier: Apache-2.0
"""Low-rank changes of a language model's layers (LoRA), through peft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from precordia.core.errors import OptionError, unknown_name
from precordia.core.registry import load_object
from precordia.core.value import Value
from precordia.language.network_parts import decoder_layers

#: what authors call the maps of a layer
_CALLED = {
    "q": ("q_proj", "query", "wq"),
    "k": ("k_proj", "key", "wk"),
    "v": ("v_proj", "value", "wv"),
    "qkv": ("c_attn", "query_key_value", "qkv_proj", "Wqkv"),
    "o": ("o_proj", "out_proj", "wo", "attention.dense"),
    "gate": ("gate_proj", "w1"),
    "up": ("up_proj", "fc1", "c_fc", "w3", "dense_h_to_4h", "gate_up_proj"),
    "down": ("down_proj", "fc2", "w2", "dense_4h_to_h"),
}
#: maps that are changed, by name of the preset
PRESETS = {
    "queries-keys": ("q", "k", "qkv"),
    "attention": ("q", "k", "v", "qkv", "o"),
    "all-linear": tuple(_CALLED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRank(Value):
    """What is changed by how much.

    Attributes
    ----------
    rank
        Of the changes; 0 makes none.
    alpha
        Scale times rank.
    dropout
        Share of inputs hidden while training.
    preset
        ``"queries-keys"``, ``"attention"`` (queries, keys, values, output) or ``"all-linear"``
        (gate, up and down too).
    targets
        Names of layers in place of the preset, such as ``["q_proj"]``.

    Examples
    --------
    >>> LowRank(rank=8).alpha
    32.0
    """

    rank: int = 0
    alpha: float = 32.0
    dropout: float = 0.1
    preset: str = "all-linear"
    targets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise unknown_name("preset", self.preset, PRESETS, listing=", ".join(PRESETS))
        if self.rank < 0:
            raise OptionError(f"rank is {self.rank}; 0 (no changes) or more is needed.")
        if not 0 <= self.dropout < 1:
            raise OptionError(f"dropout is {self.dropout}; at least 0 and below 1 is needed.")


def add_low_rank(network: nn.Module, wanted: LowRank, *, seed: int = 0) -> tuple[str, ...]:
    """Give a network low-rank changes to learn, in place; everything else of it is frozen.

    Parameters
    ----------
    network
        A causal model of transformers.
    wanted
        Which changes.
    seed
        Of their first weights, with which they change nothing.

    Returns
    -------
    Names of the layers that are changed.

    Raises
    ------
    OptionError
        If no layer bears a wanted name.
    MissingExtraError
        If peft is not installed.

    Notes
    -----
    Method: Hu et al., as peft does it. Only layers of the decoder are looked at, so that the rows
    of the vocabulary and the map back to words are never among them.

    References
    ----------
    Hu EJ, et al. LoRA: low-rank adaptation of large language models. ICLR 2022. arXiv:2106.09685
    """
    network.requires_grad_(False)
    if not wanted.rank:
        return ()
    names = target_names(network, wanted)
    settings: Any = load_object("peft:LoraConfig", extra="language", purpose="low-rank changes")
    inject: Any = load_object("peft:inject_adapter_in_model", extra="language")
    inner = dict(network.named_modules())
    config = settings(
        r=wanted.rank,
        lora_alpha=wanted.alpha,
        lora_dropout=wanted.dropout,
        target_modules=list(names),
        # GPT-2 keeps its weights the other way round
        fan_in_fan_out=all(type(inner[name]).__name__ == "Conv1D" for name in names),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject(config, network)
    return names


def target_names(network: nn.Module, wanted: LowRank) -> tuple[str, ...]:
    """Return the full names of the layers that are to be changed."""
    called = wanted.targets or [n for kind in PRESETS[wanted.preset] for n in _CALLED[kind]]
    if not wanted.targets and wanted.preset != "queries-keys":
        called = [*called, "c_proj"] if wanted.preset == "all-linear" else [*called, "attn.c_proj"]
    layers = decoder_layers(network)
    prefix = next(name for name, part in network.named_modules() if part is layers)
    names = tuple(
        name
        for name, part in network.named_modules()
        if name.startswith(f"{prefix}.") and _is_map(part) and _ends(name, called)
    )
    if not names:
        raise OptionError(
            f"no layer of {type(network).__name__} is called {', '.join(called[:6])}; name layers "
            "in low_rank.targets."
        )
    return names


def low_rank_state(network: nn.Module) -> dict[str, Tensor]:
    """Return the changes, by name."""
    return {n: p.detach() for n, p in network.named_parameters() if ".lora_" in n}


def _is_map(part: nn.Module) -> bool:
    return isinstance(part, nn.Linear) or type(part).__name__ == "Conv1D"


def _ends(name: str, called: Sequence[str]) -> bool:
    return any(name == end or name.endswith(f".{end}") for end in called)
