# SPDX-License-Identifier: Apache-2.0
"""Which leads a model's finding rests on: what becomes of it when they are hidden."""

from __future__ import annotations

import dataclasses

import numpy as np

from precordia.classification.learned import calibrated, trusted_leads
from precordia.core.claims import Claim
from precordia.core.errors import PrecordiaError
from precordia.core.findings import SUPERCLASS, Finding, Findings
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.embedding.encode import ANY, choose_model
from precordia.embedding.excerpts import cut_excerpts
from precordia.knowledge.statements import find_statement
from precordia.models.runtime import load_graph
from precordia.models.shipped import is_there

#: neighbours are hidden together: each alone is nearly told by the others
GROUPS = (("I", "aVL"), ("II", "III", "aVF"), ("V1", "V2"), ("V3", "V4"), ("V5", "V6"))
#: a smaller fall of the probability is no evidence
_LEAST_FALL = 0.1
#: groups of statements that show in certain leads; a rhythm is that of the heart
_IN_LEADS = ("conduction", "chambers", "infarction", "repolarisation")


def with_lead_evidence(
    found: Findings, record: Record, quality: Quality | None, *, model: str | None = None
) -> Findings:
    """Add to each finding of a model the leads without which it would be less probable.

    Parameters
    ----------
    found
        Findings of the record.
    record, quality
        The record, and which of its leads can be used.
    model
        Model to ask; by default the one for any leads, which learned to do without some.

    Returns
    -------
    The findings; those that a model made have a claim, and the leads where no rule named any and
    the statement is one that shows in certain leads.

    Notes
    -----
    Occlusion (Zeiler and Fergus 2014) of groups of neighbouring leads: the group whose absence
    lowers the probability most is named, where it falls by 0.1 or more. Departures: groups in
    place of patches, and a hidden lead is told to the model as absent. That a probability falls
    says what the model looked at, which need not be where the disease shows.

    References
    ----------
    Zeiler MD, Fergus R. Visualizing and understanding convolutional networks. ECCV 2014.
    arXiv:1311.2901
    """
    made = [f for f in found if f.present and f.scheme != SUPERCLASS and set(f.says) - {"rules"}]
    trusted = trusted_leads(record, quality)
    if not made or len(trusted) < 2:
        return found
    try:
        graph = load_graph(model or (ANY if is_there(ANY) else choose_model(trusted)))
        seen = cut_excerpts(record, graph.spec, leads=trusted)
    except PrecordiaError:
        return found
    whole = _probabilities(graph, seen.windows, seen.present, hidden=())
    without = {
        group: _probabilities(graph, seen.windows, seen.present, hidden=group)
        for group in GROUPS
        if set(group) & set(seen.leads) and set(seen.leads) - set(group)
    }
    explained = {}
    for f in made:
        if f.code not in whole:
            continue
        group = min(without, key=lambda g: without[g][f.code])
        before, after = whole[f.code], without[group][f.code]
        if before - after >= _LEAST_FALL:
            leads = tuple(name for name in group if name in seen.leads)
            explained[f.code] = _with_claim(f, leads, before, after)
    findings = tuple(
        explained.get(f.code, f) if f.scheme != SUPERCLASS else f for f in found.findings
    )
    return dataclasses.replace(found, findings=findings)


def _with_claim(f: Finding, leads: tuple[str, ...], before: float, after: float) -> Finding:
    claim = Claim(
        measure=f"probability without {', '.join(leads)}",
        value=round(after, 2),
        text=f"{before:.2f} with all leads",
    )
    shown = leads if find_statement(f.code).group in _IN_LEADS else ()
    return dataclasses.replace(f, claims=(*f.claims, claim), leads=f.leads or shown)


def _probabilities(
    graph, windows: np.ndarray, present: np.ndarray, *, hidden: tuple[str, ...]
) -> dict[str, float]:
    rows = [k for k, name in enumerate(graph.spec.leads) if name in hidden]
    if rows:
        windows, present = windows.copy(), present.copy()
        windows[:, rows] = 0.0
        if graph.takes_present:
            present[:, rows] = False
    by_window = calibrated(graph, graph(windows, present).logits)
    return dict(zip(graph.classes, by_window.mean(axis=0).tolist(), strict=True))
