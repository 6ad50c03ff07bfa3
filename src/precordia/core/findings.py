# SPDX-License-Identifier: Apache-2.0
"""Findings: predicted statements, each with the evidence that led to it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from precordia.core.claims import Claim
from precordia.core.errors import OptionError
from precordia.core.source import Source
from precordia.core.value import Value

RULES = "rules"
#: what may have been decided of a statement; the third is followed by why
FOUND, NOT_FOUND, NO_DECISION = "found", "not found", "no decision: "
#: scheme of words that somebody asked about and that are no statement here
WORDS = "words"
#: what is said of numbers that are no frequencies
UNCALIBRATED = "uncalibrated"
#: scheme of PTB-XL's five diagnostic superclasses: NORM, MI, STTC, CD and HYP
SUPERCLASS = "ptb-xl-superclass"


def no_decision(reason: str) -> str:
    """Return what is said of a statement that was not decided on."""
    return NO_DECISION + reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Value):
    """A statement that a method makes about a record, with its evidence.

    Attributes
    ----------
    code, scheme
        Code in its coding scheme (SCP-ECG unless said otherwise).
    name
        Plain words.
    probability
        Between 0 and 1. Where a model judged the statement, what the model says; else that a rule's
        criterion was met (1.0). ``calibration`` says how far it may be read as a frequency. NaN
        where it is ``"uncalibrated"``: then there is ``rank`` alone.
    method
        ``"rules"``, the model that predicted it, or both joined by ``+``.
    criterion
        The rule in words.
    claims
        The numbers that met it.
    leads
        Leads that showed it.
    beats
        Rows of the fiducials that showed it; empty for all.
    codes
        The same statement in other schemes.
    reference
        Where the criterion was published.
    calibration
        How the probability was calibrated; ``"none"`` for rules.
    present
        Whether the statement is made. False where a probability is given for its own sake, as that
        of every superclass, or a conclusion was withdrawn.
    threshold
        Probability from which the model's answer counts as yes; NaN where none judged it.
    says
        What each method says by itself: 1 and 0 for a criterion met and not met, a probability for
        a model. Methods that did not judge the statement are not in it.
    disagreement
        A sentence where rule and model disagree; empty where they do not.
    rank
        Share of normal recordings that words fit less well than this one, 0 to 1; NaN where no
        words were compared.
    """

    code: str
    name: str
    probability: float
    method: str
    scheme: str = "scp-ecg"
    criterion: str = ""
    claims: tuple[Claim, ...] = ()
    leads: tuple[str, ...] = ()
    beats: tuple[int, ...] = ()
    codes: dict[str, str] = field(default_factory=dict)
    reference: str = ""
    calibration: str = "none"
    present: bool = True
    threshold: float = math.nan
    says: dict[str, float] = field(default_factory=dict)
    disagreement: str = ""
    rank: float = math.nan

    def __post_init__(self) -> None:
        if math.isnan(self.probability) and self.calibration == UNCALIBRATED:
            return
        if math.isnan(self.probability) or not 0 <= self.probability <= 1:
            raise OptionError(
                f"finding {self.code} has probability {self.probability}; 0 to 1 is needed."
            )

    def __repr__(self) -> str:
        made = "" if self.present else ", not made"
        return (
            f"Finding({self.code}: {self.name}, probability {self.probability:.2f}{made}, "
            f"{self.method})"
        )

    def __str__(self) -> str:
        evidence = "; ".join(str(c) for c in self.claims)
        where = f" [{', '.join(self.leads)}]" if self.leads else ""
        learned = f", probability {self.probability:.2f}" if self.method != RULES else ""
        return f"{self.name} ({self.code}){learned}{where}" + (f": {evidence}" if evidence else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention(Value):
    """A statement that a method could not judge, and why.

    Attributes
    ----------
    code, name
        The statement.
    reason
        Why.
    method
        Who could not judge it; another method may have.
    """

    code: str
    name: str
    reason: str
    method: str = "rules"

    def __str__(self) -> str:
        return f"{self.name} ({self.code}): {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings(Value):
    """All findings of one record; iterates over them.

    A code is *in* the findings where a statement or superclass of that code is made. "NORM" is the
    code of both: the superclass is made only where the statement is. Iterating also yields the
    five superclasses with their probabilities, however low; ``present`` leaves them out.

    Attributes
    ----------
    findings
        What was found, most important first, then the superclasses where a model judged them.
    abstained
        What could not be judged.
    source
        Method and version; what makes the model's answers doubtful as warnings.
    probabilities
        Calibrated probability of everything that a model judged, found or not, by code; "NORM" is
        that of the statement. Empty where no model was asked.
    distance
        How far the record lies from those that the model learned from; above 1 it lies farther
        than 99 of 100 of them. NaN where it was not measured.
    decisions
        Of every statement there is, PTB-XL's 71 and our own: ``"found"``, ``"not found"``, or
        ``"no decision: ..."`` with the reason. Where statements were named, of these alone, by the
        words that named them.
    asked
        Code of what each text named, where statements were named; empty for what cannot be judged.

    Examples
    --------
    >>> rhythm = Finding(code="SR", name="sinus rhythm", probability=1.0, method="rules")
    >>> heart = Finding(
    ...     code="MI", name="infarction", probability=0.02, method="a-model",
    ...     scheme="ptb-xl-superclass", present=False,
    ... )
    >>> found = Findings(findings=(rhythm, heart))
    >>> print(found)
    sinus rhythm (SR)
    superclasses: infarction (MI) 0.02
    legend: numbers are calibrated probabilities, 0 to 1; superclasses have one, found or not
    >>> "SR" in found, "MI" in found, [f.code for f in found], [f.code for f in found.present]
    (True, False, ['SR', 'MI'], ['SR'])
    """

    findings: tuple[Finding, ...] = ()
    abstained: tuple[Abstention, ...] = ()
    source: Source = field(default_factory=Source)
    probabilities: dict[str, float] = field(default_factory=dict)
    distance: float = math.nan
    decisions: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def present(self) -> tuple[Finding, ...]:
        """The statements that are made, most important first; without superclasses."""
        return tuple(f for f in self.findings if f.present and f.scheme != SUPERCLASS)

    @property
    def superclasses(self) -> dict[str, Finding]:
        """The superclasses by code; empty where no model judged them."""
        return {f.code: f for f in self.findings if f.scheme == SUPERCLASS}

    @property
    def disagreements(self) -> tuple[Finding, ...]:
        """What rule and model disagree about, made or withdrawn; without superclasses."""
        return tuple(f for f in self.findings if f.disagreement and f.scheme != SUPERCLASS)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __contains__(self, code: object) -> bool:
        return any(f.code == code and f.present for f in self.findings)

    def __getitem__(self, code: str) -> Finding:
        for finding in self.findings:
            if finding.code == code:
                return finding
        raise KeyError(code)

    @property
    def undecided(self) -> dict[str, str]:
        """Why there is no decision, by the code of the statement."""
        return {
            code: said.removeprefix(NO_DECISION)
            for code, said in self.decisions.items()
            if said.startswith(NO_DECISION)
        }

    @property
    def withheld(self) -> str:
        """Why nothing at all was decided; empty where something was."""
        reasons = set(self.undecided.values())
        nothing = bool(reasons) and len(self.undecided) == len(self.decisions)
        return reasons.pop() if nothing and len(reasons) == 1 else ""

    def __repr__(self) -> str:
        made = ", ".join(f.code for f in self.present) or "nothing"
        return (
            f"Findings({made}; no decision on {len(self.undecided)} of {len(self.decisions)} "
            f"statements, {self.source})"
        )

    def __str__(self) -> str:
        if self.asked:
            return "\n".join(asked_lines(self))
        withheld = self.withheld
        lines = [str(f) for f in self.present]
        if not lines:
            lines = [f"no finding is made: {withheld}" if withheld else "nothing was found"]
        classes = self.superclasses.values()
        if classes:
            numbers = ", ".join(f"{f.name} ({f.code}) {f.probability:.2f}" for f in classes)
            doubtful = ", not to be relied on" if withheld else ""
            lines.append(f"superclasses{doubtful}: {numbers}")
        lines += [f"disagreement, {f.code}: {f.disagreement}" for f in self.disagreements]
        lines += [f"caution: {text}" for text in self.source.warnings if text != withheld]
        if not withheld:
            lines += undecided_lines(self)
        if classes:
            lines.append(f"legend: {LEGEND}")
        return "\n".join(lines)


#: what the numbers of the printed findings are
LEGEND = "numbers are calibrated probabilities, 0 to 1; superclasses have one, found or not"
#: as many codes are named; of more, only how many there are
_MOST_NAMED = 24
_MOST_REASONS = 3


def undecided_lines(findings: Findings) -> list[str]:
    """Return one line that names the statements on which there is no decision, and why.

    Parameters
    ----------
    findings
        What was found.

    Returns
    -------
    One line, or none. Reasons that few statements share stand in ``findings.undecided`` alone.
    """
    by_reason: dict[str, list[str]] = {}
    for code, reason in findings.undecided.items():
        by_reason.setdefault(reason, []).append(code)
    if not by_reason:
        return []
    often = sorted(by_reason.items(), key=lambda pair: -len(pair[1]))
    parts = [
        f"{', '.join(codes) if len(codes) <= _MOST_NAMED else f'{len(codes)} statements'}: {reason}"
        for reason, codes in often[:_MOST_REASONS]
    ]
    if left := [code for _, codes in often[_MOST_REASONS:] for code in codes]:
        parts.append(f"{len(left)} more, each with its reason in 'decisions' (--json)")
    n, of = len(findings.undecided), len(findings.decisions)
    return [f"no decision on {n} of {of} statements. {'. '.join(parts)}"]


def asked_lines(findings: Findings) -> list[str]:
    """Return one line for each text that somebody asked about, then cautions and a legend."""
    by_code = {f.code: f for f in findings.findings}
    lines = []
    for text, code in findings.asked.items():
        decision = findings.decisions.get(text, "")
        if code not in by_code:
            lines.append(f"{text}: {decision}")
            continue
        f = by_code[code]
        named = "" if f.name.lower() == text.lower() else f" = {f.name}"
        if f.calibration == UNCALIBRATED:
            said = f"fits it better than {f.rank:.0%} of normal recordings; {decision}"
        else:
            said = f"probability {f.probability:.2f}, {decision}"
        if f.disagreement:
            said = f"{said}. {f.disagreement}"
        lines.append(f"{text}{named} ({f.code}): {said}" if named else f"{text}: {said}")
    lines += [f"caution: {text}" for text in findings.source.warnings]
    lines.append(
        "legend: probabilities are calibrated, 0 to 1; words without one are told by their rank "
        "among normal recordings alone"
    )
    return lines
