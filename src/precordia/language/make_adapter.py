# SPDX-License-Identifier: Apache-2.0
"""The table of adapters, and an adapter that fits a language model and its recordings."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from precordia.core.errors import OptionError, unknown_name
from precordia.core.registry import load_object

if TYPE_CHECKING:
    from torch import nn

    from precordia.language.adapters.adapter import Adapter

_ROOM = "precordia.language.adapters"
#: name: where it is, and what it takes of a recording
ADAPTERS = {
    "soft-prompt": (f"{_ROOM}.soft_prompt:SoftPrompt", "signal"),
    "gated-cross-attention": (f"{_ROOM}.gated_cross_attention:GatedCrossAttention", "signal"),
    "prefix-mapper": (f"{_ROOM}.prefix_mapper:PrefixMapper", "embedding"),
    "vocabulary-extension": (f"{_ROOM}.vocabulary_extension:VocabularyExtension", "symbols"),
}
#: what follows from the model and the recordings, and is not chosen
_FOLLOWS = {"width", "n_layers", "n_leads", "n_samples", "n_symbols", "tied", "out_width", "dim"}


def list_adapters() -> tuple[str, ...]:
    """Return the names of all adapters.

    Examples
    --------
    >>> list_adapters()
    ('soft-prompt', 'gated-cross-attention', 'prefix-mapper', 'vocabulary-extension')
    """
    return tuple(ADAPTERS)


def adapter_takes(name: str) -> str:
    """Return what an adapter takes of a recording: signal, embedding or symbols.

    Raises
    ------
    UnknownNameError
        If there is no such adapter.
    """
    if name not in ADAPTERS:
        raise unknown_name("adapter", name, ADAPTERS, listing=", ".join(ADAPTERS))
    return ADAPTERS[name][1]


def make_adapter(
    name: str,
    network: nn.Module,
    shape: Mapping[str, int],
    *,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> Adapter:
    """Make an adapter for a language model.

    Parameters
    ----------
    name
        One of `list_adapters`.
    network
        The language model.
    shape
        Of what the adapter takes: ``n_leads`` and ``n_samples``, ``dim``, or ``n_symbols``.
    seed
        Of the first weights.
    options
        What the adapter itself takes.

    Raises
    ------
    UnknownNameError
        If the adapter or an option is unknown; the nearest is named.
    OptionError
        If an option is impossible.
    """
    import torch

    from precordia.language import network_parts

    adapter_takes(name)
    kind: Any = load_object(ADAPTERS[name][0], extra="language", purpose="an adapter")
    takes = inspect.signature(kind).parameters
    follows: dict[str, Any] = {
        "width": network_parts.word_width(network),
        "n_layers": network_parts.n_layers(network),
        "tied": network_parts.is_tied(network),
        "out_width": network_parts.out_width(network),
        **shape,
    }
    if name == "gated-cross-attention":  # its words are between the layers already
        follows["width"] = network_parts.layer_width(network)
    chosen = dict(options or {})
    own = [o for o in takes if o not in _FOLLOWS or (o == "dim" and "dim" not in shape)]
    for option in chosen:
        if option not in own:
            raise unknown_name(f"option of {name}", option, own, listing=", ".join(own) or "none")
    given = {key: value for key, value in follows.items() if key in takes} | chosen
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return kind(**given)
        except (TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
            raise OptionError(
                f"{name} cannot be made with {chosen or 'these options'}: {error}. Change one."
            ) from error
