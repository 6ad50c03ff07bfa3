# SPDX-License-Identifier: Apache-2.0
"""Windows of a record for networks that others published, and sentences where there are none."""

from __future__ import annotations

from dataclasses import replace

from precordia.core.errors import LeadError, SamplingRateError, SignalError
from precordia.core.input_spec import ANY_LEAD, InputSpec
from precordia.core.leads import LIMB
from precordia.core.record import Record
from precordia.embedding.excerpts import Excerpts, cut_excerpts, useful_leads
from precordia.models.published_card import list_published, published_card
from precordia.models.runtime import Graph

#: length of the recordings that authors prepare as a whole, s
_USUAL_S = 10.0
#: a recording at a lower rate than this part of the model's lacks what the model looks at
_LOWEST_RATE = 0.2


def cut_for_published(
    record: Record, graph: Graph, *, leads: tuple[str, ...] | None = None, lead: str | None = None
) -> Excerpts:
    """Cut and prepare the windows of a record as the card of a network says.

    Parameters
    ----------
    record
        The recording, of any length.
    graph
        The network.
    leads
        Leads that may be used; all that carry a signal by default.
    lead
        Which lead a network of one lead gets; its usual one by default, if that is there.

    Raises
    ------
    LeadError, SamplingRateError, SignalError
        If leads, rate or length do not do; the sentence names encoders that take such leads.

    Notes
    -----
    A published network gets pieces of ten seconds, or of a window if that is longer, each prepared
    as its authors prepare a recording; another network gets windows, each prepared by itself.
    """
    spec = graph.spec
    if record.fs < _LOWEST_RATE * spec.fs:
        raise SamplingRateError(
            f"{graph.name} learned from {spec.fs:g} Hz; this record has {record.fs:g} Hz, and at "
            f"least {_LOWEST_RATE * spec.fs:g} Hz are needed. Resampling brings nothing back: take "
            "an encoder of a lower rate, such as precordia-any-lead (100 Hz)."
        )
    published = bool(graph.card.details.get("published"))
    piece_s = max(spec.seconds, _USUAL_S) if published else None
    try:
        excerpts = cut_excerpts(
            record,
            spec,
            leads=leads,
            lead=_lead(record, graph, leads, lead),
            piece_s=piece_s,
        )
    except LeadError as error:
        others = _others(useful_leads(record) if leads is None else leads)
        raise LeadError(f"{error} {others}".strip()) from error
    except SignalError as error:
        if record.n_samples >= spec.seconds * record.fs:
            raise
        names = ", ".join(_shorter(spec)) or "none"
        raise SignalError(f"{error} Encoders of shorter windows: {names}.") from error
    return replace(excerpts, cautions=(*excerpts.cautions, *_about(record, graph, excerpts)))


def _lead(
    record: Record, graph: Graph, leads: tuple[str, ...] | None, asked: str | None
) -> str | None:
    """Return the lead that a network of one lead gets."""
    if asked is not None or graph.spec.leads != (ANY_LEAD,):
        return asked
    there = record.leads if leads is None else leads
    usual = str(graph.card.details.get("lead", ""))
    if len(there) == 1:
        return there[0]
    limbs = sum(name.removeprefix("-") in LIMB for name in there)
    if usual and (usual in there or (usual in LIMB and limbs >= 2)):
        return usual
    raise LeadError(
        f"{graph.name} takes one lead and this record has {len(there)} ({', '.join(there)}). Say "
        f"which: embed(record, model='{graph.name}', lead='{there[0]}'), or --lead {there[0]}."
    )


def _about(record: Record, graph: Graph, excerpts: Excerpts) -> list[str]:
    """Return what is special about these windows, a sentence each."""
    about = []
    absent = [name for name in graph.spec.leads if name not in excerpts.leads]
    if absent and graph.spec.leads != (ANY_LEAD,):
        about.append(f"{', '.join(absent)} absent, given as zeros, as the card allows")
    seen = int(excerpts.covers[-1, 1])
    if seen < record.n_samples - 1:
        about.append(
            f"the last {(record.n_samples - seen) / record.fs:.3g} s are in no window: the "
            "card's input cuts others"
        )
    return about


def _others(leads: tuple[str, ...]) -> str:
    """Name encoders that take the leads of a record that can be used, if there are any."""
    if not leads:
        return ""
    held = {name.removeprefix("-") for name in leads}
    if sum(name in LIMB for name in held) >= 2:
        held |= {*LIMB}
    fit = ["precordia-any-lead"]
    for name in list_published():
        card = published_card(name)
        if card.input is not None and (
            card.input.leads == (ANY_LEAD,)
            or card.input.missing_leads != "refuse"
            or held >= {*card.input.leads}
        ):
            fit.append(name)
    return f"Encoders for these leads: {', '.join(fit)}."


def _shorter(spec: InputSpec) -> list[str]:
    cards = [published_card(name) for name in list_published()]
    return [c.name for c in cards if c.input and c.input.seconds < spec.seconds]
