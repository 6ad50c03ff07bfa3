# SPDX-License-Identifier: Apache-2.0
"""A causal language model with its tokenizer, its name and the hash of its weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from precordia.core.errors import MissingFileError, OptionError, WeightsError
from precordia.core.registry import load_object
from precordia.datasets.checksums import digest_of
from precordia.language.network_parts import describe_network

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


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
        ``"float32"`` or ``"bfloat16"``.

    Raises
    ------
    MissingFileError
        If there is no such folder or no weights in it.
    WeightsError
        If transformers cannot read it.
    MissingExtraError
        If transformers is not installed.
    """
    place = Path(folder)
    weights = sorted(place.glob("*.safetensors"))
    if not (place / "config.json").is_file() or not weights:
        raise MissingFileError(
            f"'{place}' holds no causal language model; a folder with config.json, *.safetensors "
            "and a tokenizer is needed, as save_pretrained of transformers writes it."
        )
    if precision not in PRECISIONS:
        raise OptionError(f"precision is '{precision}'; {' or '.join(PRECISIONS)} is needed.")
    how: dict[str, Any] = {"extra": "language", "purpose": "a local language model"}
    networks: Any = load_object("transformers:AutoModelForCausalLM", **how)
    tokenizers: Any = load_object("transformers:AutoTokenizer", **how)
    safe = {"local_files_only": True, "trust_remote_code": False}
    try:
        network = networks.from_pretrained(
            place, dtype=PRECISIONS[precision], use_safetensors=True, **safe
        )
        tokenizer = tokenizers.from_pretrained(place, **safe)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        said = str(error).strip().partition("\n")[0][:200]
        raise WeightsError(
            f"'{place}' could not be loaded as a causal language model ({said}). Save it again "
            "with a version of transformers that knows it."
        ) from error
    made = causal_model(network, tokenizer, str(folder))
    digest = hashlib.sha256("".join(digest_of(path) for path in weights).encode()).hexdigest()
    return CausalModel(
        network=made.network,
        tokenizer=tokenizer,
        name=made.name,
        sha256=digest,
        about=made.about,
    )


def _hash_of_weights(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(flat.numpy().data)
    return digest.hexdigest()
