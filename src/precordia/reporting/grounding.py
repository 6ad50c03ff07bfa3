# SPDX-License-Identifier: Apache-2.0
"""How well what is said of a recording rests on it: a score without a judge."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from precordia.core.claims import FOUND, NOT_FOUND, STATEMENT, UNDECIDED, Claim
from precordia.core.errors import OptionError
from precordia.core.report import Report
from precordia.core.study import Study
from precordia.core.value import Value
from precordia.core.verify import Verdict, verify
from precordia.reporting.finding_sentences import abnormal_codes, exclusive_pairs

_ABOVE, _BELOW = (">", ">="), ("<", "<=")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding(Value):
    """How well claims rest on a study.

    Attributes
    ----------
    n_claims, n_true, n_false, n_open
        How many claims there are; how many hold, do not, and cannot be told.
    precision
        Share of the claims that hold; NaN where nothing is claimed.
    coverage
        Share of the abnormal findings of the study that are claimed; NaN where it has none.
    evidence
        Share of the abnormal findings that rest on numbers of which at least one is claimed; NaN
        where none rests on numbers.
    contradictions
        Pairs of claims that cannot both hold, in words.
    conflicts
        Findings that exclude each other although the study holds both, as where rule and model
        disagree about the rhythm: a mistake of the findings, not of what is said of them.
    problems
        Every claim that does not hold or cannot be told, and why.
    unsupported
        Sentences of a text that are no sentences of its report, so that nothing supports them.
    missed
        Codes of abnormal findings that nothing claims.
    """

    n_claims: int
    n_true: int
    n_false: int
    n_open: int
    precision: float = math.nan
    coverage: float = math.nan
    evidence: float = math.nan
    contradictions: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()

    @property
    def grounded(self) -> bool:
        """Whether all is true, nothing is missed, contradicted or unsupported."""
        return self.n_true == self.n_claims and not (
            self.contradictions or self.unsupported or self.missed
        )

    def __str__(self) -> str:
        lines = [
            f"{self.n_true} of {self.n_claims} claims hold, {self.n_false} do not, "
            f"{self.n_open} cannot be told",
            f"abnormal findings that are claimed: {_share(self.coverage)}",
            f"abnormal findings told with a number: {_share(self.evidence)}",
        ]
        lines += [f"contradiction: {text}" for text in self.contradictions]
        lines += [f"conflict of the findings: {text}" for text in self.conflicts]
        lines += [f"problem: {text}" for text in self.problems]
        lines += [f"unsupported: {text}" for text in self.unsupported]
        return "\n".join(lines)


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.0f} %"


def score_grounding(
    said: Report | Iterable[Claim],
    study: Study,
    *,
    previous: Study | None = None,
    text: str | None = None,
) -> Grounding:
    """Score how well what is said of a recording rests on it.

    Parameters
    ----------
    said
        A report, or any claims.
    study
        What they are about.
    previous
        The earlier recording, for claims of it or of a change.
    text
        A text that should say what the report says: every sentence of it is looked up among the
        report's. One that is not there, or was altered, is unsupported; claims of the report's
        sentences that the text leaves out do not count.

    Returns
    -------
    Shares and problems.

    Raises
    ------
    OptionError
        If what arrived holds no claims, or a text without its report.

    Notes
    -----
    *Method.* In the spirit of the grounding scores of GEM, which ask a language model for its
    judgement; here each claim is checked against the study, and the same input gives the same
    score. *Departures.* Claims are compared to within the last printed digit, not to within 10 %;
    what cannot be told counts against the share of claims that hold. Two claims contradict each
    other where one measure has two values, where limits leave no number between them, where a
    statement is claimed to be there and not, and where statements that exclude each other
    (`EXCLUSIVE`, or a normal ECG beside an abnormal finding) are both claimed.

    References
    ----------
    Lan X et al. GEM: empowering MLLM for grounded ECG understanding with time series and images.
    arXiv:2503.06073.

    Examples
    --------
    >>> from precordia.pipeline import examine
    >>> from precordia.generation.simulate import simulate
    >>> from precordia.reporting.report import report
    >>> study = examine(simulate(heart_rate_bpm=75, seed=1))
    >>> score_grounding(report(study), study).grounded
    True
    >>> wrong = [Claim(measure="heart_rate_bpm", value=120.0)]
    >>> score_grounding(wrong, study).problems
    ('heart rate 120 bpm: false: heart rate is 75 bpm',)
    """
    unsupported: tuple[str, ...] = ()
    if text is not None:
        if not isinstance(said, Report):
            raise OptionError("a text arrived without its report; give the Report that wrote it.")
        claims, unsupported = _claims_of_text(text, said)
    else:
        claims = said.claims if isinstance(said, Report) else tuple(said)
    if not all(isinstance(claim, Claim) for claim in claims):
        raise OptionError("something that is no Claim arrived; a Report or Claims are needed.")
    verdicts = [verify(claim, study, previous) for claim in claims]
    abnormal = abnormal_codes(study)
    named = {_code(c) for c in claims if c.relation == FOUND and c.of == "study" and not c.lead}
    conflicts, excluded = _exclusive(claims, verdicts)
    return Grounding(
        n_claims=len(claims),
        n_true=sum(v.holds is True for v in verdicts),
        n_false=sum(v.holds is False for v in verdicts),
        n_open=sum(v.holds is None for v in verdicts),
        precision=sum(v.holds is True for v in verdicts) / len(claims) if claims else math.nan,
        coverage=len(named.intersection(abnormal)) / len(abnormal) if abnormal else math.nan,
        evidence=_evidence(claims, study),
        contradictions=(*_contradictions(claims), *excluded),
        conflicts=conflicts,
        problems=_problems(claims, verdicts),
        unsupported=unsupported,
        missed=tuple(code for code in abnormal if code not in named),
    )


def _claims_of_text(text: str, said: Report) -> tuple[tuple[Claim, ...], tuple[str, ...]]:
    """Return the claims of those sentences of a report that a text holds, and what else it says."""
    rest = _plain(text)
    held: list[Claim] = []
    marked = sorted(said.sentences, key=lambda s: -len(s.text))
    for sentence in marked:
        known = _plain(sentence.text)
        if known in rest:
            rest = rest.replace(known, "\n", 1)
            held += sentence.claims
    for free in sorted((said.notice, *said.headings.values()), key=len, reverse=True):
        rest = re.sub(rf"(?:^|(?<=[\n ])){re.escape(_plain(free))}(?=$|[\n ])", "\n", rest)
    left = (part.strip() for part in rest.split("\n"))
    return tuple(held), tuple(part for part in left if part)


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _code(claim: Claim) -> str:
    return claim.measure.removeprefix(STATEMENT) if claim.measure.startswith(STATEMENT) else ""


def _evidence(claims: tuple[Claim, ...], study: Study) -> float:
    told = {(c.measure, c.lead) for c in claims if c.of == "study"}
    resting = [
        {(c.measure, c.lead) for c in f.claims if c.value == c.value}
        for f in study.findings.present
        if f.code in abnormal_codes(study)
    ]
    resting = [numbers for numbers in resting if numbers]
    if not resting:
        return math.nan
    return sum(bool(numbers & told) for numbers in resting) / len(resting)


def _problems(claims: tuple[Claim, ...], verdicts: list[Verdict]) -> tuple[str, ...]:
    pairs = zip(claims, verdicts, strict=True)
    return tuple(f"{claim}: {v}" for claim, v in pairs if v.holds is not True)


def _contradictions(claims: tuple[Claim, ...]) -> tuple[str, ...]:
    """Return pairs of claims that cannot both hold, each once."""
    groups: dict[tuple[str, str, str, tuple[int, ...]], list[Claim]] = {}
    for claim in dict.fromkeys(map(_Hashed, claims)):
        c = claim.claim
        groups.setdefault((c.measure, c.lead, c.of, c.beats), []).append(c)
    found = [
        f"{a} / {b}"
        for group in groups.values()
        for a, b in combinations(group, 2)
        if _against(a, b)
    ]
    return tuple(found)


class _Hashed:
    """A claim that is equal to another that says the same of numbers and statements."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self._key = tuple(
            repr(getattr(claim, name))
            for name in ("measure", "lead", "of", "beats", "relation", "value", "limit", "text")
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def _against(a: Claim, b: Claim) -> bool:
    states = {FOUND, NOT_FOUND, UNDECIDED}
    if a.relation in states or b.relation in states:
        return a.relation != b.relation
    if "absent" in (a.relation, b.relation):
        return a.relation != b.relation
    if a.value == a.value and b.value == b.value:
        room = 0.5 if max(abs(a.value), abs(b.value)) >= 10 else 0.005
        if abs(a.value - b.value) > 2 * room:
            return True
    return _apart(a, b) or _apart(b, a)


def _apart(above: Claim, below: Claim) -> bool:
    """Tell whether one claim lies above a limit below which the other lies."""
    if above.relation in _ABOVE and below.relation in _BELOW:
        if above.limit == below.limit:
            return above.relation == ">" or below.relation == "<"
        return above.limit > below.limit
    if below.value != below.value or above.limit != above.limit:
        return False
    value, limit = below.value, above.limit
    if above.relation in _ABOVE:
        return value < limit or (above.relation == ">" and value == limit)
    if above.relation in _BELOW:
        return value > limit or (above.relation == "<" and value == limit)
    return False


def _exclusive(
    claims: tuple[Claim, ...], verdicts: list[Verdict]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return pairs of exclusive statements that are claimed: both found in fact, and not."""
    conflicts: list[str] = []
    contradictions: list[str] = []
    for of in ("study", "previous"):
        held = {
            _code(claim): verdict.holds is True
            for claim, verdict in zip(claims, verdicts, strict=True)
            if claim.relation == FOUND and claim.of == of and _code(claim)
        }
        for one, other in exclusive_pairs(held):
            both = held[one] and held[other]
            (conflicts if both else contradictions).append(f"{one} / {other} found")
    return tuple(conflicts), tuple(contradictions)
