# SPDX-License-Identifier: Apache-2.0
"""Classes told by their words alone: no label is used but to choose thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from precordia.benchmarking.choosing import finish
from precordia.benchmarking.part_embeddings import embedder
from precordia.benchmarking.withheld import Chosen, Part
from precordia.core.errors import OptionError, UnknownNameError
from precordia.knowledge.codes import list_codes
from precordia.knowledge.lexicon import find_entry
from precordia.knowledge.prompts import Style, prompts_for

if TYPE_CHECKING:
    from precordia.benchmarking.networks import Network

#: words of the model's card, plain names, and random directions as a control
WORDS, NAMES, RANDOM = "zero-shot", "zero-shot-names", "zero-shot-random"
ZERO_SHOT = (WORDS, NAMES, RANDOM)


def learn_zero_shot(network: Network, mode: str, valid: Part, *, seed: int) -> Chosen:
    """Turn the names of classes into directions; thresholds come from validation.

    Parameters
    ----------
    network
        A finished graph with a text side.
    mode
        ``"zero-shot"``: texts of the kind that the model's card names, averaged. ``"zero-shot-
        names"``: the plain name. ``"zero-shot-random"``: random directions.
    valid
        Records to choose thresholds on.
    seed
        Of the random directions.

    Raises
    ------
    OptionError
        If the network is no finished graph.
    WeightsError
        If it has no text side.

    Notes
    -----
    *Method.* That of MERL: cosine of recording and text, one AUROC a class. *Departures.* MERL
    takes the threshold of the best F1 on the test records; here it is of validation. A recording
    without a window gets cosine 0.

    References
    ----------
    Liu C, et al. MERL. ICML 2024. arXiv:2403.06659
    """
    if not network.graph:
        raise OptionError(
            f"mode '{mode}' needs a finished graph with a text side; {network.name} has none. Use "
            "precordia-words, or what benchmarks/zero_shot/train.py wrote."
        )
    directions = class_directions(network.graph, valid.cohort.classes, mode, seed=seed)
    embed = embedder(network, seed=seed)

    def answer(part: Part) -> np.ndarray:
        vectors = np.nan_to_num(embed(part), nan=0.0)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(length > 0, length, 1.0) @ directions.T

    return finish(
        answer,
        valid,
        selection="thresholds alone",
        weights=(directions,),
        spec=network.spec.fingerprint,
        notes=("no label was used to learn these classes but what taught the model",),
    )


def class_directions(
    model: str, classes: tuple[str, ...], mode: str, *, seed: int = 0
) -> Float[np.ndarray, "statement dim"]:
    """Return the unit vector of each class.

    Parameters
    ----------
    model
        Name or path of a graph with a text side.
    classes
        Codes or abbreviations of classes.
    mode
        One of `ZERO_SHOT`.
    seed
        Of random directions.
    """
    from precordia.embedding.text_vectors import load_text_encoder
    from precordia.models.shipped import model_card

    encoder = load_text_encoder(model)
    style = "name" if mode == NAMES else model_card(model).details["words"]["prompts"]
    if mode == RANDOM:
        found = np.random.default_rng(seed).normal(size=(len(classes), encoder.normal.shape[1]))
    else:
        found = np.stack([encoder(class_texts(name, style)).mean(axis=0) for name in classes])
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def class_texts(name: str, style: Style) -> tuple[str, ...]:
    """Return the texts of a class of a database, by its code or abbreviation.

    Examples
    --------
    >>> class_texts("IMI", "name")
    ('inferior myocardial infarction',)
    >>> class_texts("RBBB|CRBBB", "name")
    ('right bundle branch block', 'complete right bundle branch block')
    """
    found: list[str] = []
    for part in name.split("|"):
        found += [text for code in _codes(part) for text in prompts_for(code, style)]
    return tuple(dict.fromkeys(found)) or (name,)


def _codes(name: str) -> list[str]:
    """Return the codes in the lexicon of a code, an abbreviation, or a subclass of PTB-XL."""
    try:
        return [find_entry(name).code]
    except UnknownNameError:
        pass
    by_word = [c.code for c in list_codes("snomed-ct") if name in (c.code, c.abbreviation)]
    by_class = [c.code for c in list_codes("scp-ecg") if name == c.subclass]
    return by_word or by_class
