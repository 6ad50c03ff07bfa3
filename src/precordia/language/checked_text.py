# SPDX-License-Identifier: Apache-2.0
"""A text about a study, sentence by sentence: what is true of it stays, the rest is named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from precordia.core.claims import Claim
from precordia.core.errors import OptionError
from precordia.core.report import LANGUAGES, Sentence
from precordia.core.study import Study
from precordia.core.value import Value
from precordia.language.known_study import KnownStudy
from precordia.language.plain_words import plain_words
from precordia.language.polarity import UnclearError
from precordia.language.sentence_check import claims_of_sentence
from precordia.language.sentence_marks import one_form

#: longer texts and sentences are not read
LONGEST_TEXT, LONGEST_SENTENCE = 20_000, 600
_MOST_SENTENCES = 200
_ENDS = re.compile(r"(?<=[.!?])\s+|\n+")
_BULLET = re.compile(r"^\s*(?:[-*\u2022#>]+|\d{1,2}[.)])\s+")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified(Value):
    """A sentence that is not known to be true, and why.

    Attributes
    ----------
    text
        The sentence.
    why
        What in it is not true, cannot be told, or is not understood.
    """

    text: str
    why: str

    def __str__(self) -> str:
        return f"'{self.text}': {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedText(Value):
    """A text of which each sentence was checked.

    Attributes
    ----------
    sentences
        What stays, with the claims that make it true; flagged sentences have none.
    removed
        What was taken out.
    flagged
        What stays though it is not known to be true, where that was asked for.
    """

    sentences: tuple[Sentence, ...]
    removed: tuple[Unverified, ...] = ()
    flagged: tuple[Unverified, ...] = ()

    @property
    def text(self) -> str:
        """What stays, as one text; flagged sentences are marked."""
        return " ".join(s.text if s.claims else f"[not verified: {s.text}]" for s in self.sentences)

    def __str__(self) -> str:
        return self.text


def check_text(
    text: str | Sequence[str],
    study: Study,
    previous: Study | None = None,
    *,
    language: str = "en",
    answers: tuple[str, ...] | None = None,
    known_sentences: Iterable[Sentence] = (),
    flag: bool = False,
) -> CheckedText:
    """Check a text about a study that something other than precordia wrote.

    Parameters
    ----------
    text
        A text, or its sentences.
    study
        The recording, examined.
    previous
        The earlier recording, where the text compares.
    language
        ``"en"`` or ``"de"``.
    answers
        The answers of `precordia.answer`, where the text answers a question: a "yes" or "no" at
        its beginning must be that one.
    known_sentences
        Sentences that are true word by word, such as those of a report.
    flag
        Keep what is not verified, marked, in place of removing it.

    Returns
    -------
    The sentences that are true, and the others with the reason.

    Raises
    ------
    OptionError
        If what arrived is no text or no study, or the language is another.

    Notes
    -----
    *Method.* Each sentence is divided into statements (`precordia.find_mentions`), numbers in
    digits or words with their unit, names of measurements, leads, words such as "prolonged",
    negations, and words that say nothing. A sentence stays only where every word of it is one of
    these, where it can be read in one way, and where each of its claims is true
    (`precordia.verify`): a number must be the measured one, to the last digit that is said; a
    statement must have been found, or, where it is denied, looked for and not found. Of "normal"
    numbers the limits are those of `precordia.questions.limits`. What is true but said in other
    words is lost; what is not true does not stay.

    References
    ----------
    Chapman WW et al. A simple algorithm for identifying negated findings and diseases in discharge
    summaries. J Biomed Inform 2001;34:301-310. doi:10.1006/jbin.2001.1029. Negations here end at
    words and signs as there, but lists and double negations are refused rather than guessed.

    Examples
    --------
    >>> from precordia.pipeline import examine
    >>> from precordia.generation.simulate import simulate
    >>> study = examine(simulate(heart_rate_bpm=75, seed=1))
    >>> checked = check_text("Sinus rhythm at 75 bpm. The QRS is wide. Take aspirin.", study)
    >>> print(checked)
    Sinus rhythm at 75 bpm.
    >>> for one in checked.removed:
    ...     print(one)
    'The QRS is wide.': QRS duration lies within the normal range
    'Take aspirin.': 'take' is nothing that can be checked
    """
    if not isinstance(study, Study) or not isinstance(previous, Study | None):
        raise OptionError("check_text needs a Study. Use check_text(text, examine(path)).")
    if language not in LANGUAGES:
        raise OptionError(f"language is {language!r}; one of {', '.join(LANGUAGES)} is needed.")
    given = [text] if isinstance(text, str) else list(text)
    if not all(isinstance(part, str) for part in given):
        raise OptionError("something that is no text arrived; sentences as str are needed.")
    known = KnownStudy(study, previous, language)
    true = {_plain(s.text): s.claims for s in known_sentences}
    kept: list[Sentence] = []
    doubted: list[Unverified] = []
    for place, sentence in enumerate(_sentences(given, true)):
        try:
            if place >= _MOST_SENTENCES:
                raise UnclearError(f"the text has more than {_MOST_SENTENCES} sentences")
            claims = _claims(sentence, known, answers, true)
            kept.append(Sentence(text=sentence, claims=claims))
        except UnclearError as error:
            doubted.append(Unverified(text=sentence, why=str(error)))
            if flag:
                kept.append(Sentence(text=sentence, claims=()))
    if flag:
        return CheckedText(sentences=tuple(kept), flagged=tuple(doubted))
    return CheckedText(sentences=tuple(kept), removed=tuple(doubted))


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip(" .").lower()


def _sentences(given: list[str], true: dict[str, tuple[Claim, ...]]) -> list[str]:
    """Return single sentences, without the bullets of lists."""
    found: list[str] = []
    left = LONGEST_TEXT
    for part in given:
        part, left = part[: max(left, 0)], left - len(part)
        if _plain(part) in true:
            found.append(part.strip())
            continue
        for sentence in _ENDS.split(part):
            shown = "".join(c if c.isprintable() else "\ufffd" for c in _BULLET.sub("", sentence))
            if shown.strip(" *_#-\u2022"):
                found.append(shown.strip())
    if left < 0:
        found.append(f"... {-left} more characters")
    return found[: _MOST_SENTENCES + 1]


def _claims(
    sentence: str,
    known: KnownStudy,
    answers: tuple[str, ...] | None,
    true: dict[str, tuple[Claim, ...]],
) -> tuple[Claim, ...]:
    if len(sentence) > LONGEST_SENTENCE:
        raise UnclearError(f"it has more than {LONGEST_SENTENCE} characters")
    if _plain(sentence) in true:
        return true[_plain(sentence)]
    words = plain_words(known.language)
    begins = re.match(rf"({words.yes}|{words.no})\s*(?:[,.:;!-]\s*|$)", one_form(sentence), re.I)
    if begins is None:
        return claims_of_sentence(sentence, known)
    said = "yes" if begins[1].lower() == words.yes else "no"
    if answers != (said,):
        told = ", ".join(answers or ()) or "that it cannot be told"
        raise UnclearError(f"it answers '{said}', and the answer is {told}")
    rest = one_form(sentence)[begins.end() :]
    if not rest.strip(" .!"):
        raise UnclearError("it says nothing beside the answer, which is told anyway")
    return claims_of_sentence(rest, known)
