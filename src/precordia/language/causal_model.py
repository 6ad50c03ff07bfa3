# SPDX-License-Identifier: Apache-2.0
"""A causal language model with its tokenizer, its name and the hash of its weights."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from precordia.core.errors import OptionError
from precordia.core.registry import load_object
from precordia.datasets.checksums import digest_of
from precordia.language.network_parts import describe_network


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CausalModel:
    """A causal language model.

    Attributes
    ----------
    network
        Of transformers.
    tokenizer
        Its tokenizer.
    name
        What it is called: its folder, or a name.
    sha256
        Hash of its weights, as its files hold them or, without files, as they are.
    about
        Type, layers, width and words.
    """

    network: Any
    tokenizer: Any
    name: str
    sha256: str
    about: dict[str, Any] = field(default_factory=dict)

    def ids(self, text: str) -> list[int]:
        """Return the numbers of a text, without marks of begin or end."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"]) if text else []

    @property
    def end(self) -> int:
        """Number that ends an answer."""
        return int(self.tokenizer.eos_token_id)

    @property
    def begin(self) -> list[int]:
        """Number that begins a text, where the model has one."""
        first = self.tokenizer.bos_token_id
        return [] if first is None else [int(first)]


def causal_model(network: nn.Module, tokenizer: Any, name: str) -> CausalModel:
    """Take a network that is in memory.

    Parameters
    ----------
    network, tokenizer
        Of transformers.
    name
        What it shall be called.
    """
    if getattr(tokenizer, "eos_token_id", None) is None:
        raise OptionError(
            f"the tokenizer of '{name}' has no mark for the end of a text; set its eos_token."
        )
    network.eval()
    return CausalModel(
        network=network,
        tokenizer=tokenizer,
        name=name,
        sha256=_hash_of_weights(network),
        about=describe_network(network),
    )


def load_causal_model(folder: str | Path, *, precision: str = "float32") -> CausalModel:
    """Load a causal language model from a folder; nothing is fetched.

    Parameters
    ----------
    folder
        Holds ``config.json``, weights as safetensors and a tokenizer, as transformers saves them.
    precision
        ``"float32"``, ``"bfloat16"`` or ``"float16"``.

    Raises
    ------
    MissingFileError
        If there is no such folder.
    WeightsError
        If it holds no model that can be loaded.
    OptionError
        If the precision is unknown.
    MissingExtraError
        If transformers is not installed.
    """
    kind: Any = load_object(
        "precordia.language.local:LocalModel", extra="language", purpose="a local language model"
    )
    with without_bars():
        held = kind(folder, dtype=precision, device="cpu")
    made = causal_model(held.network, held.tokenizer, str(folder))
    digests = [digest_of(path) for path in sorted(Path(folder).glob("*.safetensors"))]
    return replace(made, sha256=hashlib.sha256("".join(digests).encode()).hexdigest())


@contextlib.contextmanager
def without_bars() -> Iterator[None]:
    """Let transformers load and save without bars on stderr."""
    logging: Any = load_object("transformers.utils:logging", extra="language")
    before = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if before:
            logging.enable_progress_bar()


def _hash_of_weights(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(flat.numpy().data)
    return digest.hexdigest()
