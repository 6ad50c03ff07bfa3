# SPDX-License-Identifier: Apache-2.0
"""Write a report of a study: sentences, each made of claims that can be checked."""

from __future__ import annotations

from typing import cast

from precordia.core.errors import OptionError
from precordia.core.report import Language, Report, Sentence, Style
from precordia.core.source import Source
from precordia.core.study import Study
from precordia.reporting.finding_sentences import (
    MORE_NUMBERS,
    NUMBERS,
    conclusion_sentence,
    conflict_sentences,
    finding_sentences,
    number_sentences,
)
from precordia.reporting.previous_sentences import previous_sentences
from precordia.reporting.recording_sentences import (
    caution_sentences,
    doubt_sentences,
    method_sentence,
    quality_sentences,
    recording_sentences,
    withheld_sentence,
)
from precordia.reporting.rhythm_sentences import rhythm_sentences
from precordia.reporting.undecided_sentences import undecided_sentences
from precordia.reporting.wording import Wording, check_words

VERSION = "1"


def report(
    study: Study,
    style: str = "structured",
    *,
    previous: Study | None = None,
    language: str = "en",
    identifiers: bool = False,
) -> Report:
    """Write a report of a study.

    Parameters
    ----------
    study
        What was measured and found, such as ``examine`` gives.
    style
        ``"short"``: a few sentences; ``"structured"``: sections with every finding and its
        evidence; ``"paragraph"``: the same as running text.
    previous
        An earlier recording of the same patient, to compare with. One of another patient is not
        compared, and the report says so.
    language
        ``"en"`` or ``"de"``.
    identifiers
        Print the patient's identifier and name. Age (up to 89 years) and sex are always told.

    Returns
    -------
    The report; printed, it is text, and ``.sentences`` hold the claims of each sentence.

    Raises
    ------
    UnknownNameError
        If there is no such style or language.
    OptionError
        If what arrived is no study.

    Notes
    -----
    *Method.* Sentences are chosen by what the study holds and written from one table of whole
    phrases; nothing is said that is not a claim, and every claim was made from the study itself, so
    `precordia.verify` finds it true. Where the quality is not acceptable no finding is given, in
    either language.

    Examples
    --------
    >>> from precordia.pipeline import examine
    >>> from precordia.generation.simulate import simulate
    >>> study = examine(simulate(heart_rate_bpm=75, seed=1))
    >>> print(report(study, "short"))  # doctest: +NORMALIZE_WHITESPACE
    Normal ECG. Sinus rhythm, heart rate 75 per minute. PR interval 166 ms, QRS duration 89 ms,
    QT interval 375 ms, QTc (Fridericia) 404 ms, QRS axis 47°.
    Research software. Not a medical device; not for diagnosis or treatment.
    """
    for given in (study,) if previous is None else (study, previous):
        if not isinstance(given, Study):
            raise OptionError(
                f"a {type(given).__name__} arrived; a report needs a Study. "
                "Use report(examine(path))."
            )
    words = check_words(language, style)
    sentences = _chosen(study, words, identifiers=identifiers)
    if previous is not None:
        sentences += previous_sentences(study, previous, words)
    if words.style != "short":
        sentences.append(method_sentence(study, words))
    sections = dict.fromkeys(s.section for s in sentences)
    return Report(
        sentences=tuple(s for s in sentences if s.claims),
        style=cast(Style, words.style),
        language=cast(Language, words.language),
        headings={s: words.heading(s) for s in sections} if style == "structured" else {},
        notice=words.notice,
        source=Source(method="report", version=VERSION, parameters={"style": words.style}),
    )


def _chosen(study: Study, words: Wording, *, identifiers: bool) -> list[Sentence]:
    """Return the sentences of a style, in the order in which they are read."""
    quality = quality_sentences(study, words)
    told = [] if words.style == "short" and not identifiers else _told(study, words, identifiers)
    if study.findings.withheld or not study.quality.acceptable:
        return [*told, *quality, withheld_sentence(study, words)]
    if words.style == "short":
        bad, doubt = quality[1:], doubt_sentences(study, words)
        numbers = number_sentences(study, words, NUMBERS)
        return [*told, conclusion_sentence(study, words), *rhythm_sentences(study, words),
                *numbers, *conflict_sentences(study, words), *bad, *doubt]  # fmt: skip
    names = (*NUMBERS, *MORE_NUMBERS) if words.style == "structured" else NUMBERS
    return [
        *told,
        *quality,
        *doubt_sentences(study, words),
        *rhythm_sentences(study, words),
        *number_sentences(study, words, names),
        *finding_sentences(study, words),
        *undecided_sentences(study, words),
        *caution_sentences(study, words),
        conclusion_sentence(study, words),
    ]


def _told(study: Study, words: Wording, identifiers: bool) -> list[Sentence]:
    return recording_sentences(study, words, identifiers=identifiers)
