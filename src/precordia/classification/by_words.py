# SPDX-License-Identifier: Apache-2.0
"""Whether a record shows what somebody names in any words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from precordia.classification.asked_statements import Asked, read_asked
from precordia.classification.learned import Predicted, predicted_from, trusted_leads
from precordia.core.errors import MissingExtraError, PrecordiaError, UnknownNameError, WeightsError
from precordia.core.findings import (
    FOUND,
    NOT_FOUND,
    UNCALIBRATED,
    WORDS,
    Abstention,
    Finding,
    Findings,
    no_decision,
)
from precordia.core.measurements import Absence
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.embedding.encode import encode
from precordia.embedding.text_vectors import TextEncoder, load_text_encoder
from precordia.knowledge.lexicon import find_entry
from precordia.knowledge.prompts import Style, prompts_for
from precordia.models.runtime import load_graph

#: the model with a text side that ships
MODEL = "precordia-words"
_NO_FREQUENCY = "uncalibrated: no recordings with these words are known to count by"
_TOO_RARE = "uncalibrated: too few recordings with it were there to count by"


def find_by_words(
    record: Record,
    statements: Sequence[str],
    *,
    quality: Quality | None = None,
    model: str | None = None,
) -> Findings:
    """Judge statements that are named in any words, also such as no model was trained for.

    Parameters
    ----------
    record
        The recording.
    statements
        Texts, English or German: names, abbreviations, plain words, signs.
    quality
        Its quality; assessed where not given.
    model
        Name of a model with a text side, or path of a graph (``.onnx``) with one beside it.

    Returns
    -------
    One finding for each text that can be judged, in their order, and an abstention for each other
    one. What is a statement with enough recordings to count by has a calibrated probability; other
    words have a ``rank`` among normal recordings and are ``"uncalibrated"``.

    Raises
    ------
    OptionError
        If there is no text, or something that is none.
    UnknownNameError, WeightsError, MissingExtraError
        If the model is not known, has no text side, is damaged or cannot be run.

    Notes
    -----
    *Method.* Zero-shot classification after MERL: cosine between the vector of the recording and
    that of the text. A text that names a statement stands for the mean vector of all that
    `precordia.knowledge.prompts.prompts_for` says of it, as MERL's knowledge-enhanced prompts do.
    *Departures.* Probabilities by Platt scaling where the card has it; ranks elsewhere.

    References
    ----------
    Liu C, et al. Zero-shot ECG classification with multimodal learning and test-time clinical
    knowledge enhancement. ICML 2024. arXiv:2403.06659
    """
    chosen = model or MODEL
    graph, encoder = load_graph(chosen), load_text_encoder(chosen)
    asked = read_asked(statements, encoder)
    if quality is None:
        from precordia.quality.assess import assess

        quality = assess(record)
    if not record.n_leads:
        said, vectors = Predicted(model=graph.name, withheld=str(Absence.NO_SIGNAL)), None
    else:
        try:
            encoded = encode(record, model=chosen, leads=trusted_leads(record, quality))
            said, vectors = predicted_from(encoded, record, quality), encoded.embedding
        except (WeightsError, MissingExtraError, UnknownNameError):
            raise
        except PrecordiaError as error:
            said, vectors = Predicted(model=graph.name, withheld=str(error)), None
    ranks: dict[str, float] = {}
    other = [a for a in asked if a.code not in said.probabilities and not a.reason]
    if other and vectors is not None and not said.withheld:
        style = graph.card.details["words"]["prompts"]
        directions = np.stack([_direction(a, encoder, style) for a in other])
        mine = (vectors @ directions.T).mean(axis=0)
        below = (encoder.normal @ directions.T < mine).mean(axis=0)
        ranks = dict(zip((a.text for a in other), below.tolist(), strict=True))
    return _findings(asked, said, ranks)


def _direction(asked: Asked, encoder: TextEncoder, style: Style) -> Float[np.ndarray, " dim"]:
    """Return the vector of a text, or the mean of all that is said of the statement it names."""
    return encoder(prompts_for(asked.code, style) if asked.code else [asked.text]).mean(axis=0)


def _findings(asked: Sequence[Asked], said: Predicted, ranks: dict[str, float]) -> Findings:
    made: list[Finding] = []
    open_: list[Abstention] = []
    decisions: dict[str, str] = {}
    codes: dict[str, str] = {}
    for one in asked:
        reason = one.reason or said.withheld
        codes[one.text] = ""
        if reason:
            decisions[one.text] = no_decision(reason)
            open_.append(
                Abstention(
                    code=one.code or one.text,
                    name=find_entry(one.code).name if one.code else one.text,
                    reason=reason,
                    method=said.model,
                )
            )
            continue
        finding = _other(one, said, ranks[one.text]) if one.text in ranks else _known(one, said)
        codes[one.text] = finding.code
        if finding.code not in {f.code for f in made}:
            made.append(finding)
        decisions[one.text] = _decision(finding)
    warnings = said.cautions if not said.withheld else ()
    return Findings(
        findings=tuple(made),
        abstained=tuple(open_),
        source=Source(
            method=f"classify:{said.model}",
            version=said.version,
            parameters={"statements": len(asked), "n_windows": said.n_windows},
            warnings=warnings,
        ),
        probabilities={f.code: f.probability for f in made if f.calibration != UNCALIBRATED},
        distance=said.distance,
        decisions=decisions,
        asked=codes,
    )


def _decision(finding: Finding) -> str:
    if finding.calibration == UNCALIBRATED:
        return no_decision(_NO_FREQUENCY if finding.scheme == WORDS else _TOO_RARE)
    if math.isnan(finding.threshold):
        return no_decision(_TOO_RARE)
    return FOUND if finding.present else NOT_FOUND


def _known(one: Asked, said: Predicted) -> Finding:
    entry = find_entry(one.code)
    probability = said.probabilities[one.code]
    threshold = said.thresholds.get(one.code, math.nan)
    return Finding(
        code=entry.code,
        scheme=entry.scheme,
        name=entry.name,
        probability=float(np.clip(probability, 0.0, 1.0)),
        method=said.model,
        calibration=said.calibration,
        codes=entry.codes,
        present=probability >= threshold,
        threshold=threshold,
        says={said.model: probability},
    )


def _other(one: Asked, said: Predicted, rank: float) -> Finding:
    entry = find_entry(one.code) if one.code else None
    return Finding(
        code=entry.code if entry else one.text,
        scheme=entry.scheme if entry else WORDS,
        name=entry.name if entry else one.text,
        codes=entry.codes if entry else {},
        probability=math.nan,
        method=said.model,
        calibration=UNCALIBRATED,
        present=False,
        rank=rank,
    )
