# SPDX-License-Identifier: Apache-2.0
"""Who is asked in the mirage battery: engine, rules alone, classifier alone, a language model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from precordia.classification.classify import classify
from precordia.core.errors import OptionError, unknown_name
from precordia.core.record import Record
from precordia.core.study import Study
from precordia.delineation.delineate import delineate
from precordia.measurement.measure import measure
from precordia.quality.assess import assess
from precordia.questions.answer import answer
from precordia.questions.engine_responder import EngineResponder, Studies
from precordia.questions.query import Query
from precordia.questions.response import Responder, Response, response_of

RESPONDERS = ("engine", "rules", "classifier", "backend", "text prior", "always normal")
#: what a model that gives statements can be asked
_BY_STATEMENTS = ("statement",)


def examined(record: Record, *, method: str = "both") -> Study:
    """Return a study of a record whose findings are by one method.

    Parameters
    ----------
    record
        The recording.
    method
        ``"both"``, ``"rules"`` or ``"learned"``.
    """
    quality = assess(record)
    fiducials = delineate(record)
    numbers = measure(record, fiducials)
    findings = classify(
        record, quality=quality, fiducials=fiducials, measurements=numbers, method=method
    )
    return Study(
        record=record, quality=quality, fiducials=fiducials, measurements=numbers, findings=findings
    )


class ClassifierResponder:
    """Answer questions about statements by the model in the box, and no others.

    Parameters
    ----------
    examine
        Makes a study whose findings are the model's alone.
    """

    def __init__(self, examine: Callable[[Record], Study]) -> None:
        self.study_of = examine if isinstance(examine, Studies) else Studies(examine)

    def __call__(self, record: Record, question: str, previous: Record | None = None) -> Response:
        """Answer what the model judges."""
        study = self.study_of(record)
        told = answer(study, question, None if previous is None else self.study_of(previous))
        parts = told.parts or (told,)
        if not all(isinstance(p.query, Query) and _judged(p.query) for p in parts):
            return Response()
        return response_of(told, study)


def _judged(query: Query) -> bool:
    return query.attribute in _BY_STATEMENTS and not query.leads and query.asks != "lead"


def text_prior(record: Record, question: str, previous: Record | None = None) -> Response:
    """Answer from the question alone: a control that has to be flagged.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> print(text_prior(simulate(), "Is there atrial fibrillation?"))
    yes
    """
    del record, previous
    first = question.split()[0].lower() if question.split() else ""
    if first in ("is", "are", "does", "do", "can", "has", "did", "would", "were"):
        return Response(answers=("yes",))
    return Response(answers=("sinus rhythm",))


def always_normal(record: Record, question: str, previous: Record | None = None) -> Response:
    """Answer that all is normal, whatever is asked: a control that has to be flagged.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> print(always_normal(simulate(), "What is the rhythm?"))
    normal ecg
    """
    del record, question, previous
    return Response(answers=("normal ecg",))


def make_responder(name: str, *, backend: Any = None) -> Responder:
    """Return who is asked.

    Parameters
    ----------
    name
        One of `RESPONDERS`.
    backend
        The language model, where that is who.

    Returns
    -------
    The responder.

    Raises
    ------
    UnknownNameError
        If there is nobody of that name.
    OptionError
        If there is a backend without a language model, or a language model for nothing.

    Examples
    --------
    >>> make_responder("engin")
    Traceback (most recent call last):
    precordia.core.errors.UnknownNameError: no responder 'engin'. Did you mean 'engine'?  All:
    engine, rules, classifier, backend, text prior, always normal.
    """
    if (name == "backend") != (backend is not None):
        raise OptionError(
            "a language model and the responder 'backend' belong together, and only one of them "
            "was given. Choose --responder backend and --backend, or neither."
        )
    if name == "engine":
        return EngineResponder(examined)
    if name == "rules":
        return EngineResponder(partial(examined, method="rules"))
    if name == "classifier":
        return ClassifierResponder(partial(examined, method="learned"))
    if name == "backend":
        from precordia.language.backend_responder import BackendResponder

        return BackendResponder(backend, examined)
    controls: dict[str, Responder] = {"text prior": text_prior, "always normal": always_normal}
    if name in controls:
        return controls[name]
    raise unknown_name("responder", name, RESPONDERS, listing=", ".join(RESPONDERS))
