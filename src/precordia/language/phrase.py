# SPDX-License-Identifier: Apache-2.0
"""Answers and reports in the words of a language model: rules decide, and every word is checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from precordia.core.claims import FOUND, STATEMENT, Claim
from precordia.core.errors import OptionError, PrecordiaError
from precordia.core.neighbours import Neighbours
from precordia.core.report import Report, Sentence
from precordia.core.study import DISCLAIMER, Study
from precordia.core.value import Value
from precordia.core.verify import same_patient
from precordia.language.backend import Backend, Message
from precordia.language.checked_text import CheckedText, Unverified, check_text
from precordia.language.facts import Fact, facts_of
from precordia.language.prompts import REPLY_SCHEMA, answer_prompt, report_prompt
from precordia.language.reply_sentences import sentences_of_reply
from precordia.language.retrieved import retrieved_block
from precordia.questions.answer import Answer, answer
from precordia.questions.split import LONGEST, split_question
from precordia.reporting.finding_sentences import abnormal_codes
from precordia.reporting.report import report
from precordia.reporting.wording import check_words

#: as many tokens may a reply have
ANSWER_TOKENS, REPORT_TOKENS = 512, 1024
#: backends that may read the words of other patients' reports
_ON_THIS_MACHINE = ("local",)
_NOTHING_LEFT = "Nothing of what the model wrote could be verified; what follows was made by rules."
_NOTHING_ASKED = "No question was asked, so no model was."


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrased(Value):
    """An answer or a report, and what a language model made of it.

    Attributes
    ----------
    answer
        The answer by rules, with its canonical answers; None of a report. No model changes it.
    report
        The report by rules; None of an answer.
    sentences
        What the model wrote and is true, with the claims that make it true; flagged sentences have
        none. Empty where nothing could be verified or no model answered.
    added
        Sentences of the report by rules that the model left out though they name a finding, or
        what makes the recording hard to read.
    removed
        What the model wrote and was taken out, with the reason.
    flagged
        What the model wrote and is not known to be true, where that was to be kept and marked.
    facts
        What the model saw of the recording.
    backend, model
        Who wrote.
    problem
        A sentence: why there is nothing of a model; empty where there is.
    notice
        What every reader must know.
    seconds, n_tokens
        What the reply took; NaN where none came, or it was not counted.
    """

    answer: Answer | None = None
    report: Report | None = None
    sentences: tuple[Sentence, ...] = ()
    added: tuple[Sentence, ...] = ()
    removed: tuple[Unverified, ...] = ()
    flagged: tuple[Unverified, ...] = ()
    facts: tuple[Fact, ...] = ()
    backend: str = "none"
    model: str = ""
    problem: str = ""
    notice: str = DISCLAIMER
    seconds: float = math.nan
    n_tokens: float = math.nan

    @property
    def text(self) -> str:
        """The words of the model that are true, and what was added; else those by rules."""
        if self.sentences:
            shown = CheckedText(sentences=self.sentences).text
            return " ".join([shown, *(s.text for s in self.added)])
        by_rules = self.answer if self.answer is not None else self.report
        lines = str(by_rules).splitlines()
        return "\n".join(lines[:-1] if lines and lines[-1] == self.notice else lines)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields, and the text that is read."""
        return {"text": self.text, **Value.to_dict(self)}

    def __str__(self) -> str:
        lines = []
        if self.problem:
            lines.append(self.problem)
        if self.sentences and self.answer is not None:
            lines.append(", ".join(self.answer.answers) or "cannot be told")
            lines += [self.answer.why] if self.answer.why else []
        lines.append(self.text)
        if self.sentences:
            lines.append(f"Phrased by {self.model or self.backend}; every sentence was checked.")
        if self.removed:
            lines.append(f"Taken out, not known to be true: {len(self.removed)} (--json).")
        return "\n".join([*lines, self.notice])


def phrase_answer(
    backend: Backend | None,
    study: Study,
    question: str,
    previous: Study | None = None,
    *,
    similar: Neighbours | None = None,
    language: str = "en",
    flag: bool = False,
    seed: int = 0,
) -> Phrased:
    """Answer a question by rules, and let a language model phrase the answer.

    Parameters
    ----------
    backend
        From `load_backend`; None or ``"none"`` for no model.
    study
        The recording, examined.
    question
        In English.
    previous
        An earlier recording.
    language
        Of the model's words: ``"en"`` or ``"de"``.
    similar
        Recordings that are alike, from `precordia.similar`. A model on this machine gets the words
        of their reports without numbers and identifiers, any other their labels alone; both are
        marked as of other patients.
    flag
        Keep sentences that are not verified, marked, in place of removing them.
    seed
        Of the backend.

    Returns
    -------
    The answer by rules and the checked words. A backend that fails, or replies with what was not
    asked for, leaves the answer by rules and a sentence.

    Raises
    ------
    OptionError
        If what arrived is no study, question or backend.
    UnknownNameError
        If there is no such language.

    Notes
    -----
    The model sees numbered facts without identifiers (`facts_of`), the answer by rules, and the
    question as a quoted string, without instructions and identifiers. Its reply is a JSON object of
    sentences, each of which is checked (`check_text`). A "yes" or "no" that is not the answer by
    rules is taken out.

    Examples
    --------
    >>> from precordia.pipeline import examine
    >>> from precordia.generation.simulate import simulate
    >>> study = examine(simulate(heart_rate_bpm=75, seed=1))
    >>> print(phrase_answer(None, study, "Is the QRS wide?").answer.answers)
    ('no',)
    """
    _check(backend, study, previous)
    if not isinstance(question, str):
        raise OptionError(f"a {type(question).__name__} arrived as question; words are needed.")
    words = check_words(language, "paragraph")
    by_rules = answer(study, question, previous)
    facts = facts_of(study, previous, language=language, evidence=by_rules.evidence)
    held: dict[str, Any] = {"answer": by_rules, "facts": facts, "notice": words.notice}
    if backend is None or backend.name == "none":
        return Phrased(**held)
    if not split_question(question[:LONGEST]).questions:
        return Phrased(**held, problem=_NOTHING_ASKED, backend=backend.name, model=backend.model)
    prompt = answer_prompt(
        question, by_rules, facts, study, previous,
        language=language, others=_others(backend, similar),
    )  # fmt: skip
    said, told = _asked(backend, prompt, ANSWER_TOKENS, seed)
    checked = check_text(
        said, study, _comparable(study, previous), language=language, answers=by_rules.answers,
        known_sentences=_sentences_of(facts), flag=flag,
    )  # fmt: skip
    return Phrased(**held, **_outcome(checked, told))


def phrase_report(
    backend: Backend | None,
    study: Study,
    style: str = "paragraph",
    language: str = "en",
    previous: Study | None = None,
    *,
    similar: Neighbours | None = None,
    flag: bool = False,
    seed: int = 0,
) -> Phrased:
    """Write a report by rules, and let a language model choose among its facts and phrase them.

    Parameters
    ----------
    backend
        From `load_backend`; None or ``"none"`` for no model.
    study
        The recording, examined.
    style
        ``"short"``, ``"structured"`` or ``"paragraph"``.
    language
        ``"en"`` or ``"de"``.
    previous
        An earlier recording of the same patient.
    similar
        Recordings that are alike, from `precordia.similar`. A model on this machine gets the words
        of their reports without numbers and identifiers, any other their labels alone; both are
        marked as of other patients.
    flag
        Keep sentences that are not verified, marked, in place of removing them.
    seed
        Of the backend.

    Returns
    -------
    The report by rules and the checked words. Findings that the model left out, and what makes the
    recording hard to read, are added in the words of the report.

    Raises
    ------
    OptionError
        If what arrived is no study or backend.
    UnknownNameError
        If there is no such style or language.

    Examples
    --------
    >>> from precordia.pipeline import examine
    >>> from precordia.generation.simulate import simulate
    >>> study = examine(simulate(heart_rate_bpm=75, seed=1))
    >>> print(phrase_report(None, study, "short").text.split(".")[0])
    Normal ECG
    """
    _check(backend, study, previous)
    words = check_words(language, style)
    by_rules = report(study, style, previous=previous, language=language)
    facts = facts_of(study, previous, language=language)
    held: dict[str, Any] = {"report": by_rules, "facts": facts, "notice": words.notice}
    if backend is None or backend.name == "none":
        return Phrased(**held)
    prompt = report_prompt(facts, style, language=language, others=_others(backend, similar))
    said, told = _asked(backend, prompt, REPORT_TOKENS, seed)
    checked = check_text(
        said, study, _comparable(study, previous), language=language,
        known_sentences=_sentences_of(facts), flag=flag,
    )  # fmt: skip
    added = _left_out(checked, study, facts) if checked.sentences else ()
    return Phrased(**held, **_outcome(checked, told), added=added)


def _comparable(study: Study, previous: Study | None) -> Study | None:
    """Return the earlier recording where it may be of the same patient: others have no course."""
    if previous is None or same_patient(study, previous) is False:
        return None
    return previous


def _check(backend: object, study: object, previous: object) -> None:
    for given in (study,) if previous is None else (study, previous):
        if not isinstance(given, Study):
            raise OptionError(
                f"a {type(given).__name__} arrived; a Study is needed. Use examine(path)."
            )
    if backend is not None and not isinstance(backend, Backend):
        raise OptionError(
            f"a {type(backend).__name__} arrived as backend. Use load_backend('endpoint', ...)."
        )


def _others(backend: Backend, similar: Neighbours | None) -> str:
    """Return what the model may read of alike recordings."""
    return retrieved_block(similar, words=backend.name in _ON_THIS_MACHINE)


def _asked(
    backend: Backend, prompt: list[Message], max_tokens: int, seed: int
) -> tuple[list[str], dict[str, Any]]:
    """Return the sentences of a reply and who wrote them, or the sentence that tells why none."""
    told: dict[str, Any] = {"backend": backend.name, "model": backend.model}
    try:
        reply = backend.generate(
            prompt, schema=REPLY_SCHEMA, max_tokens=max_tokens, temperature=0.0, seed=seed
        )
        told |= {"model": reply.model or backend.model, "seconds": reply.seconds}
        told |= {"n_tokens": reply.n_tokens}
        return sentences_of_reply(reply.text), told
    except PrecordiaError as error:
        return [], told | {"problem": _sentence(str(error))}
    except Exception as error:  # a backend of one's own may raise anything; the facts are kept
        return [], told | {
            "problem": f"The backend failed ({type(error).__name__}: {error})."[:500]
        }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _outcome(checked: CheckedText, told: dict[str, Any]) -> dict[str, Any]:
    nothing = not checked.sentences and "problem" not in told
    problem = {"problem": _NOTHING_LEFT} if nothing else {}
    return {
        "sentences": checked.sentences,
        "removed": checked.removed,
        "flagged": checked.flagged,
        **told,
        **problem,
    }


def _sentences_of(facts: Sequence[Fact]) -> tuple[Sentence, ...]:
    return tuple(Sentence(text=fact.text, claims=fact.claims) for fact in facts if fact.claims)


def _left_out(checked: CheckedText, study: Study, facts: Sequence[Fact]) -> tuple[Sentence, ...]:
    """Return the facts that no report may leave out and that were left out."""
    told = [claim for s in checked.sentences for claim in s.claims]
    named = {c.measure for c in told if c.relation == FOUND and c.of == "study"}
    missing = {f"{STATEMENT}{code}" for code in abnormal_codes(study)} - named
    added = []
    for sentence in _sentences_of(facts):
        found = {c.measure for c in sentence.claims if c.relation == FOUND and c.of == "study"}
        new = found & missing
        if new or any(_is_needed(c) and c not in told for c in sentence.claims):
            added.append(sentence)
            missing -= new
    return tuple(added)


def _is_needed(claim: Claim) -> bool:
    """Tell whether a claim says that the recording, or the comparison, cannot be relied on."""
    bad = claim.measure == "quality:acceptable" and claim.relation != FOUND
    return bad or (claim.measure == "patient:same" and claim.relation != FOUND)
