# SPDX-License-Identifier: Apache-2.0
"""A record through a model: the model is chosen by its leads, the windows by its length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from precordia.core.errors import (
    MissingExtraError,
    PrecordiaError,
    UnknownNameError,
    WeightsError,
)
from precordia.core.leads import LIMB, PRECORDIAL
from precordia.core.record import Record
from precordia.embedding.excerpts import Excerpts, cut_excerpts, useful_leads
from precordia.embedding.load_encoder import load_encoder, network_folder
from precordia.embedding.published_input import cut_for_published
from precordia.models.runtime import SLICE, Graph
from precordia.models.shipped import is_there

TWELVE, ANY = "precordia-12lead", "precordia-any-lead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """What a model says of a record, window by window.

    Attributes
    ----------
    graph
        The model.
    excerpts
        What it saw.
    logits, embedding
        What it said.
    """

    graph: Graph
    excerpts: Excerpts
    logits: Float[np.ndarray, "window statement"]
    embedding: Float[np.ndarray, "window dim"]


def choose_model(leads: tuple[str, ...]) -> str:
    """Choose the model for the leads that can be used.

    Parameters
    ----------
    leads
        Leads that carry a signal.

    Returns
    -------
    The model for twelve leads where all twelve are there or follow from others, else the model
    for any leads; where one of them is not installed, the other.

    Examples
    --------
    >>> choose_model(("II", "V5"))
    'precordia-any-lead'
    """
    limbs = {name.removeprefix("-") for name in leads} & {*LIMB}
    whole = len(limbs) >= 2 and {*PRECORDIAL} <= {*leads}
    wanted, other = (TWELVE, ANY) if whole else (ANY, TWELVE)
    return other if not is_there(wanted) and is_there(other) else wanted


def has_model() -> bool:
    """Tell whether any encoder is installed."""
    return is_there(TWELVE) or is_there(ANY)


def encode(
    record: Record,
    *,
    model: str | None = None,
    leads: tuple[str, ...] | None = None,
    lead: str | None = None,
    half: bool = False,
) -> Encoded:
    """Run a model over the windows of a record.

    Parameters
    ----------
    record
        The recording.
    model
        Name of a model, or path of a graph or of a folder of weights; chosen by the leads where it
        is not given.
    leads
        Leads that may be used; all that carry a signal by default.
    lead
        Which lead a model of one lead gets.
    half
        Multiply with numbers of 16 bits; networks that PyTorch runs can.

    Returns
    -------
    What the model says, and of what.

    Raises
    ------
    SignalError, LeadError, SamplingRateError
        If the record cannot be turned into windows of the model.
    UnknownNameError, WeightsError, MissingExtraError
        If the model is not known, damaged or cannot be run.
    """
    graph, excerpts = _ready(record, model, leads, lead, half)
    said = graph(excerpts.windows, excerpts.present)
    return Encoded(graph=graph, excerpts=excerpts, logits=said.logits, embedding=said.embedding)


def encode_many(
    records: Iterable[tuple[Record, tuple[str, ...] | None]],
    *,
    model: str | None = None,
    lead: str | None = None,
    half: bool = False,
) -> Iterator[Encoded | PrecordiaError]:
    """Run a model over many records, several at once.

    Parameters
    ----------
    records
        Each with the leads that may be used, None for all that carry a signal.
    model, lead, half
        As in `encode`.

    Yields
    ------
    What the model says of each record, in their order; the error where a record cannot be turned
    into windows.
    """
    waiting: list[tuple[Graph, Excerpts] | PrecordiaError] = []
    n_windows = 0
    for record, leads in records:
        try:
            waiting.append(_ready(record, model, leads, lead, half))
            n_windows += len(waiting[-1][1].windows)  # type: ignore[index]
        except (MissingExtraError, UnknownNameError, WeightsError):
            raise
        except PrecordiaError as error:
            waiting.append(error)
        if n_windows >= SLICE:
            yield from _together(waiting)
            waiting, n_windows = [], 0
    yield from _together(waiting)


def _ready(
    record: Record,
    model: str | None,
    leads: tuple[str, ...] | None,
    lead: str | None,
    half: bool,
) -> tuple[Graph, Excerpts]:
    if leads is None:
        leads = useful_leads(record)
    name = model or choose_model(leads)
    graph = load_encoder(name, half=half)
    if network_folder(name) is not None:
        return graph, cut_for_published(record, graph, leads=leads, lead=lead)
    if lead is not None:
        leads = tuple(name for name in leads if name == lead)
    return graph, cut_excerpts(record, graph.spec, leads=leads)


def _together(
    waiting: list[tuple[Graph, Excerpts] | PrecordiaError],
) -> Iterator[Encoded | PrecordiaError]:
    results: dict[int, Encoded] = {}
    ready = [(k, w) for k, w in enumerate(waiting) if not isinstance(w, PrecordiaError)]
    for version in dict.fromkeys(graph.version for _, (graph, _) in ready):
        same = [(k, graph, e) for k, (graph, e) in ready if graph.version == version]
        graph = same[0][1]
        said = graph(
            np.concatenate([e.windows for _, _, e in same]),
            np.concatenate([e.present for _, _, e in same]),
        )
        stops = np.cumsum([len(e.windows) for _, _, e in same])[:-1]
        parts = (np.split(said.logits, stops), np.split(said.embedding, stops))
        for (k, _, e), logits, embedding in zip(same, *parts, strict=True):
            results[k] = Encoded(graph=graph, excerpts=e, logits=logits, embedding=embedding)
    for k, held in enumerate(waiting):
        yield held if isinstance(held, PrecordiaError) else results[k]
