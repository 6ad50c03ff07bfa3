# SPDX-License-Identifier: Apache-2.0
"""Statements by a trained model: calibrated probabilities, and what makes them doubtful."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from precordia.core.cards import Card
from precordia.core.errors import MissingExtraError, PrecordiaError, UnknownNameError, WeightsError
from precordia.core.measurements import Absence
from precordia.core.quality import Quality, QualityReason
from precordia.core.record import Record
from precordia.embedding.encode import Encoded, choose_model, encode, encode_many
from precordia.embedding.excerpts import useful_leads
from precordia.models.familiar import distance_from
from precordia.models.runtime import Graph, load_graph

#: the databases that the models learned from hold few younger patients
_YOUNGEST_YEARS = 16.0
#: what is wrong more than four times in five is no finding, whatever its threshold
_LEAST_PROBABILITY = 0.2
#: from fewer leads a model says little and its calibration fails, unless its card says otherwise
_LEAST_LEADS = 4
#: by these alone the superclasses are told badly, and probabilities are too high
_TELL_LITTLE = frozenset(["III", "V1", "V2"])
#: what the amplitudes cannot be trusted for; the model normalises each lead and goes on
_SCALES = {
    QualityReason.NORMALISED: "the signal is normalised, not millivolts: no amplitude was judged",
    QualityReason.GAIN_ERROR: (
        "the amplitudes are no usual millivolts: check unit and gain before trusting any voltage"
    ),
}
_MISPLACED = (QualityReason.LEAD_REVERSAL, QualityReason.LEAD_SWAP, QualityReason.TIME_REVERSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What a model says of a record.

    Attributes
    ----------
    model, version
        Which, and the first digits of the checksum of its weights.
    probabilities
        Calibrated probability of each class, by code; empty where the model could not be run.
    thresholds
        Probability from which each class counts as found; a class without one is never found.
    calibration
        How the probabilities were calibrated.
    too_few_to_learn, too_few_to_decide
        Words on how few recordings a class had that was not learned, or has no threshold.
    withheld
        Why nothing may be found in this record; empty where all is well.
    cautions
        What makes the answers doubtful, a sentence each.
    distance
        How far the record lies from those that the model learned from, 1 at the 99th percentile.
    leads, n_windows
        What the model saw.
    """

    model: str
    version: str = ""
    probabilities: dict[str, float] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    calibration: str = ""
    too_few_to_learn: str = ""
    too_few_to_decide: str = ""
    withheld: str = ""
    cautions: tuple[str, ...] = ()
    distance: float = float("nan")
    leads: tuple[str, ...] = ()
    n_windows: int = 0

    def found(self) -> set[str]:
        """Return the codes of the classes that are found."""
        if self.withheld:
            return set()
        least = self.thresholds
        return {c for c, p in self.probabilities.items() if p >= least.get(c, float("inf"))}


def predict(
    record: Record, *, quality: Quality | None = None, model: str | None = None
) -> Predicted:
    """Ask a model for the probability of every statement that it knows.

    Parameters
    ----------
    record
        The recording.
    quality
        Its quality, which decides which leads the model is shown; all leads that carry a signal
        where it is not given.
    model
        Name of a model or path of a graph; chosen by the leads that can be used by default.

    Returns
    -------
    Probabilities; or why there are none.

    Raises
    ------
    UnknownNameError, WeightsError, MissingExtraError
        If the model is not known, damaged or cannot be run.

    Notes
    -----
    *Method.* The windows of the record (see `precordia.embedding.embed`) are judged one by one;
    the probability of the record is the mean over its windows of the sigmoid of the calibrated
    logit. Of a long record that is the share of time rather than whether something occurs at all.
    A class is found from the threshold of the card on, and never below a probability of 0.2.
    Leads that the quality calls not usable are hidden from the model; limb leads that follow from
    others are shown. From fewer than four leads (or the card's ``least_leads``), and from nothing
    but III, V1 and V2, nothing is judged: on PTB-XL's ninth fold the probabilities of
    precordia-any-lead come true from I, II, aVR or V5 alone, and not from V2. Where the quality of
    the record is not acceptable, probabilities are given but nothing is found.
    """
    trusted = trusted_leads(record, quality)
    chosen = model or choose_model(trusted)
    if not record.n_leads:
        return Predicted(model=load_graph(chosen).name, withheld=str(Absence.NO_SIGNAL))
    try:
        encoded = encode(record, model=chosen, leads=trusted)
    except (WeightsError, MissingExtraError, UnknownNameError):
        raise
    except PrecordiaError as error:
        return Predicted(model=load_graph(chosen).name, withheld=str(error))
    return predicted_from(encoded, record, quality)


def predict_many(
    records: Iterable[tuple[Record, Quality | None]], *, model: str | None = None
) -> Iterator[Predicted]:
    """Ask a model about many records, several at once.

    Parameters
    ----------
    records
        Each with its quality or None.
    model
        As in `predict`.

    Yields
    ------
    What it says of each, in their order.
    """
    waiting: list[tuple[Record, Quality | None]] = []

    def given() -> Iterator[tuple[Record, tuple[str, ...]]]:
        for record, quality in records:
            waiting.append((record, quality))
            yield record, trusted_leads(record, quality)

    for encoded in encode_many(given(), model=model):
        record, quality = waiting.pop(0)
        if isinstance(encoded, PrecordiaError):
            chosen = load_graph(model or choose_model(trusted_leads(record, quality)))
            yield Predicted(model=chosen.name, withheld=str(encoded))
        else:
            yield predicted_from(encoded, record, quality)


def predicted_from(encoded: Encoded, record: Record, quality: Quality | None) -> Predicted:
    """Return what a model says of a record that it has read; see `predict`."""
    graph, leads = encoded.graph, encoded.excerpts.leads
    least = int(graph.card.details.get("least_leads", _LEAST_LEADS))
    if len(leads) < least:
        reason = f"{graph.name} judges from {least} leads on; it sees {len(leads)} here"
        return Predicted(model=graph.name, version=graph.version, withheld=reason, leads=leads)
    if set(leads) <= _TELL_LITTLE:
        reason = f"{', '.join(leads)} alone: too little for {graph.name}"
        return Predicted(model=graph.name, version=graph.version, withheld=reason, leads=leads)
    by_window = calibrated(graph, encoded.logits)
    vector = encoded.embedding.mean(axis=0)
    distance = float("nan") if graph.familiar is None else distance_from(graph.familiar, vector)
    return Predicted(
        model=graph.name,
        version=graph.version,
        probabilities=dict(zip(graph.classes, by_window.mean(axis=0).tolist(), strict=True)),
        thresholds={
            code: max(float(threshold), _LEAST_PROBABILITY)
            for code, threshold in graph.card.details.get("thresholds", {}).items()
        },
        calibration=str(graph.card.details.get("calibration", {}).get("method", "Platt scaling")),
        **_too_few(graph),
        withheld=_why_withheld(quality),
        cautions=(*_about_leads(encoded), *_cautions(record, quality, distance)),
        distance=distance,
        leads=leads,
        n_windows=len(by_window),
    )


def calibrated(
    graph: Graph, logits: Float[np.ndarray, "window statement"]
) -> Float[np.ndarray, "window statement"]:
    """Return the calibrated probability of every logit of a graph."""
    slope, intercept = read_calibration(graph.card, graph.classes)
    scores = np.clip(logits.astype(np.float64) * slope + intercept, -60.0, 60.0)
    return 1.0 / (1.0 + np.exp(-scores))


def read_calibration(
    card: Card, classes: tuple[str, ...]
) -> tuple[Float[np.ndarray, " statement"], Float[np.ndarray, " statement"]]:
    """Return slope and intercept of every class from the card's table ``[calibration]``.

    Raises
    ------
    WeightsError
        If a class has none.
    """
    table = card.details.get("calibration", {})
    try:
        pairs = [(float(table[c]["slope"]), float(table[c]["intercept"])) for c in classes]
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"the card of {card.name} has no calibration of {error}; slope and intercept of every "
            "class are needed. Install precordia anew."
        ) from error
    slope, intercept = np.array(pairs, float).reshape(-1, 2).T
    return slope, intercept


def trusted_leads(record: Record, quality: Quality | None) -> tuple[str, ...]:
    """Return the leads that carry a signal and that the quality does not call unusable."""
    known = quality.leads if quality is not None else {}
    return tuple(n for n in useful_leads(record) if n not in known or known[n].usable)


def _why_withheld(quality: Quality | None) -> str:
    if quality is None or quality.acceptable:
        return ""
    why = ", ".join(quality.reasons)
    return f"the quality is not acceptable ({why})" if why else "the quality is not acceptable"


def _too_few(graph: Graph) -> dict[str, str]:
    needed = graph.card.details.get("recordings_needed", {})
    names = {"too_few_to_learn": "to_learn", "too_few_to_decide": "for_threshold"}
    return {
        name: f" (fewer than {needed[key]} recordings)"
        for name, key in names.items()
        if key in needed
    }


def _about_leads(encoded: Encoded) -> list[str]:
    seen, wanted = encoded.excerpts.leads, encoded.graph.spec.n_leads
    few = [] if len(seen) == wanted else [f"judged from {len(seen)} of {wanted} leads"]
    return [*few, *encoded.excerpts.cautions]


def words_of_youth(age_years: float) -> str:
    """Return the age of who is no adult, in words; empty where the age is another or unknown.

    Examples
    --------
    >>> words_of_youth(0.02), words_of_youth(0.5), words_of_youth(15.9), words_of_youth(40.0)
    ('7 days old', '6 months old', '15 years old', '')
    """
    if not age_years < _YOUNGEST_YEARS:
        return ""
    for unit, many, most in (("day", 365.25, 60), ("month", 12.0, 24), ("year", 1.0, math.inf)):
        if (n := math.floor(age_years * many + 1e-6)) < most:
            return f"{n} {unit}{'' if n == 1 else 's'} old"
    return ""


def words_of_misplaced(quality: Quality) -> list[str]:
    """Return what makes leads, or the direction of time, others than their names say.

    Examples
    --------
    >>> words_of_misplaced(Quality(acceptable=True, score=1.0, reasons=(_MISPLACED[0],)))
    ['suspected lead reversal']
    """
    return [str(reason) for reason in quality.reasons if reason in _MISPLACED]


def _cautions(record: Record, quality: Quality | None, distance: float) -> list[str]:
    said = []
    if young := words_of_youth(record.patient.age_years):
        said.append(f"the patient is {young}; the model learned from adults")
    if quality is not None:
        hidden = [n for n in record.leads if n in quality.leads and not quality.leads[n].usable]
        if hidden:
            said.append(f"hidden from the model, as not usable: {', '.join(hidden)}")
        said += words_of_misplaced(quality)
        said += [_SCALES[reason] for reason in quality.reasons if reason in _SCALES]
    if distance > 1:
        said.append(
            f"unlike 99 of 100 records that the model learned from (distance {distance:.2g} of the "
            "limit)"
        )
    return said
