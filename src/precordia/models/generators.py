# SPDX-License-Identifier: Apache-2.0
"""The table of networks that make signals, and the door to them. Listing loads no PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from precordia.core.errors import unknown_name
from precordia.core.registry import load_object
from precordia.models.model_card import ModelCard, read_model_card
from precordia.models.options import complete_options
from precordia.models.signal_shape import SignalShape, resolve_shape

if TYPE_CHECKING:
    from precordia.models.generator import Generator

#: name of each network and the class that makes it; its card has the same name as its file
GENERATORS = {"sssd-ecg": "precordia.models.sssd_ecg:SssdEcg"}


def generator_card(name: str) -> ModelCard:
    """Return the card of a network.

    Raises
    ------
    UnknownNameError
        If there is none of that name.

    Examples
    --------
    >>> generator_card("sssd-ecg").fs
    100
    """
    if name not in GENERATORS:
        raise unknown_name("generator", str(name), GENERATORS, listing=", ".join(GENERATORS))
    return read_model_card(files("precordia.models") / f"{name.replace('-', '_')}.toml")


def load_generator(
    name: str,
    *,
    n_leads: int | None = None,
    leads: Sequence[str] | str | None = None,
    n_samples: int | None = None,
    seconds: float | None = None,
    fs: float | None = None,
    seed: int = 0,
    **options: Any,
) -> Generator:
    """Make a network that makes signals, with random weights.

    Parameters
    ----------
    name
        One of `GENERATORS`.
    n_leads, leads, n_samples, seconds, fs
        The signals, as for `load_model`.
    seed
        Of the weights.
    **options
        Options of the network, as in its card.

    Raises
    ------
    UnknownNameError
        If there is no such network.
    OptionError, LeadError, SamplingRateError
        If an argument is unknown, impossible, or contradicts another.
    MissingExtraError
        If PyTorch is not installed.

    Examples
    --------
    >>> network = load_generator("sssd-ecg", n_samples=100, width=4, depth=1, state=4)
    >>> network.shape.leads
    ('I', 'II', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6')
    """
    card = generator_card(name)
    usual = resolve_shape(
        leads=card.leads,
        seconds=card.seconds,
        fs=card.fs,
        usual=SignalShape(n_leads=1, n_samples=1, fs=card.fs),
    )
    shape = resolve_shape(
        n_leads=n_leads, leads=leads, n_samples=n_samples, seconds=seconds, fs=fs, usual=usual
    )
    complete = complete_options(card, options)
    purpose = f"the network {name}"
    random = load_object("torch:random", extra="train", purpose=purpose)
    kind = load_object(GENERATORS[name], extra="train", purpose=purpose)
    with random.fork_rng(devices=[]):
        random.manual_seed(seed)
        network = kind(shape, **complete)
    network.name, network.options = name, complete
    return network
