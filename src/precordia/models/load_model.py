# SPDX-License-Identifier: Apache-2.0
"""Make a model by name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from precordia.core.errors import OptionError, WeightsError
from precordia.core.registry import load_object
from precordia.models.architectures import ARCHITECTURES, model_card
from precordia.models.model_card import ModelCard
from precordia.models.options import complete_options
from precordia.models.published_card import list_published, published_card
from precordia.models.published_folder import published_folder, refuse_withheld
from precordia.models.saved_model import SavedModel, find_saved
from precordia.models.shipped import CARDS
from precordia.models.signal_shape import SignalShape, resolve_shape

if TYPE_CHECKING:
    from precordia.models.encoder import Encoder


def load_model(
    name: str,
    *,
    n_outputs: int | None = None,
    n_leads: int | None = None,
    leads: Sequence[str] | str | None = None,
    n_samples: int | None = None,
    seconds: float | None = None,
    fs: float | None = None,
    weights: str | os.PathLike[str] | SavedModel | None = None,
    head: Literal["keep", "new"] = "keep",
    seed: int = 0,
    **options: Any,
) -> Encoder:
    """Make a model.

    Parameters
    ----------
    name
        One of `list_models`.
    n_outputs
        Number of scores; 0 for an encoder without a head. Weights know theirs.
    n_leads, leads
        Number or names of the leads (or ``"standard-12"``, ``"independent-8"``).
    n_samples, seconds, fs
        Length and rate; two of them give the third, and what is not given is as in the card, or as
        in the weights.
    weights
        Folder that `save_pretrained` wrote, or name of a repository on the Hugging Face hub.
        Without it, the weights are random.
    head
        ``"new"`` puts a random head in place of the stored one, for other statements.
    seed
        Of random weights.
    **options
        Options of the model, as in its card.

    Returns
    -------
    The model, in training mode as PyTorch makes it.

    Raises
    ------
    UnknownNameError
        If there is no such model.
    OptionError
        If it is the name of a model with weights, or of a folder; the sentence says how that is
        used.
    OptionError, LeadError, SamplingRateError
        If an argument is unknown, impossible, or contradicts another.
    WeightsError
        If the weights are absent, damaged, of another model, or withheld.
    MissingExtraError
        If PyTorch is not installed.

    Examples
    --------
    >>> model = load_model("resnet1d", n_outputs=5, leads=("I",), seconds=10, fs=100)
    >>> model.shape.n_samples, model.dim
    (1000, 512)
    """
    if name not in ARCHITECTURES:
        _refuse_finished(name)
    card = model_card(name)
    saved = None
    if weights is not None:
        saved = find_saved(weights)
        if saved.architecture != name:
            raise WeightsError(
                f"'{saved.folder}' holds weights of {saved.architecture}; {name} was asked for. "
                f"Use load_model('{saved.architecture}', weights=...) or from_pretrained."
            )
        n_outputs = saved.n_outputs if n_outputs is None else n_outputs
        options = {**saved.options, **options}
    if isinstance(n_outputs, bool) or not isinstance(n_outputs, int) or n_outputs < 0:
        raise OptionError(
            f"n_outputs of {name} is {n_outputs!r}; a whole number is needed: one for each "
            "statement, or 0 for an encoder without a head."
        )
    if head not in ("keep", "new"):
        raise OptionError(f"head is {head!r}; one of keep, new is needed.")
    shape = resolve_shape(
        n_leads=n_leads,
        leads=leads,
        n_samples=n_samples,
        seconds=seconds,
        fs=fs,
        usual=usual_shape(card) if saved is None else saved.shape,
    )
    model = build(name, shape, n_outputs, complete_options(card, options), seed=seed)
    if saved is not None:
        from precordia.models.pretrained import restore

        restore(model, saved, head=head, seed=seed)
    return model


def _refuse_finished(name: str) -> None:
    """Say what is done with a name that is no network but a model with weights."""
    shows = f"'precordia models show {name}' says how it is used"
    if name in CARDS:
        raise OptionError(
            f"{name} is trained and ready to use; {shows}. load_model makes networks to be "
            "trained; list_models() names them."
        )
    if name in list_published():
        card = published_card(name)
        refuse_withheld(card)
        raise OptionError(
            f"{name} is published with weights: embed(record, model='{name}') uses it. To train it "
            f"further, convert its weights ({shows}) and make it by "
            f"Encoder.from_pretrained('{published_folder(name)}'). Its network without weights is "
            f"load_model('{card.architecture}')."
        )
    if Path(name).is_dir():
        raise OptionError(
            f"'{name}' is a folder; load_model takes the name of a network. What is in the folder "
            f"is made by Encoder.from_pretrained('{name}')."
        )


def usual_shape(card: ModelCard) -> SignalShape:
    """Return the input that a card names.

    Examples
    --------
    >>> usual_shape(model_card("resnet1d")).n_samples
    1000
    """
    usual = SignalShape(n_leads=1, n_samples=1, fs=card.fs)
    return resolve_shape(leads=card.leads, seconds=card.seconds, fs=card.fs, usual=usual)


def build(
    name: str, shape: SignalShape, n_outputs: int, options: dict[str, Any], *, seed: int
) -> Encoder:
    """Make a model with random weights that depend on the seed alone."""
    purpose = f"the model {name}"
    random = load_object("torch:random", extra="train", purpose=purpose)
    kind = load_object(ARCHITECTURES[name], extra="train", purpose=purpose)
    with random.fork_rng(devices=[]):
        random.manual_seed(seed)
        model = kind(shape, n_outputs, **options)
    model.name = name
    model.options = dict(options)
    return model
