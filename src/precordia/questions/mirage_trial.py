# SPDX-License-Identifier: Apache-2.0
"""What became of an answer on counterfeits of its recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from precordia.core.value import Value
from precordia.questions.answer import Answer
from precordia.questions.response import Response

Verdict = Literal["passed", "flagged", "untold", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(Value):
    """One counterfeit, and what was answered of it.

    Attributes
    ----------
    counterfeit
        Which, such as ``"flat line"``.
    verdict
        ``"passed"``; ``"flagged"`` where the answer stayed though what it should rest on was gone;
        ``"untold"`` where the counterfeit tells nothing about this answer; ``"error"`` where
        nobody answered.
    why
        A sentence.
    response
        What was answered; None where it was not asked.
    unsupported
        Whether something was said that nothing in the counterfeit supports.
    """

    counterfeit: str
    verdict: Verdict
    why: str
    response: Response | None = None
    unsupported: bool = False

    def __str__(self) -> str:
        return f"{self.verdict}: {self.counterfeit}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MirageCheck(Value):
    """Whether an answer rests on its recording.

    Attributes
    ----------
    question
        What was asked.
    response
        What was answered of the recording itself.
    trials
        What became of it on each counterfeit; empty where nothing was answered.
    n_claims, n_true
        How many claims the answer makes, and how many of them are true of the recording; 0 where
        nothing could check them.

    Examples
    --------
    >>> stays = Trial(counterfeit="flat line", verdict="flagged", why="the same answer")
    >>> check = MirageCheck(question="AF?", response=Response(answers=("yes",)), trials=(stays,))
    >>> check.flagged, check.rests_on_recording
    (('flat line',), False)
    """

    question: str
    response: Response
    trials: tuple[Trial, ...] = ()
    n_claims: int = 0
    n_true: int = 0

    @property
    def flagged(self) -> tuple[str, ...]:
        """The counterfeits that left the answer as it was."""
        return tuple(t.counterfeit for t in self.trials if t.verdict == "flagged")

    @property
    def unsupported(self) -> tuple[str, ...]:
        """The counterfeits of which something was said that nothing supports."""
        return tuple(t.counterfeit for t in self.trials if t.unsupported)

    @property
    def rests_on_recording(self) -> bool | None:
        """Whether it does; None where nothing was answered, or no counterfeit told anything."""
        if self.flagged:
            return False
        return True if any(t.verdict == "passed" for t in self.trials) else None

    def __str__(self) -> str:
        if self.response.error:
            return f"not checked: {self.response.error}"
        if self.response.abstained:
            return "nothing was answered, so there is nothing to check."
        head = {
            True: "passed: the answer changes or is withdrawn where what it rests on is gone",
            False: "flagged: the answer does not rest on the recording alone",
            None: "untold: no counterfeit says anything about this answer",
        }[self.rests_on_recording]
        claims = f"{self.n_true} of {self.n_claims} claims are true of the recording"
        lines = [head, *(f"  {t}" for t in self.trials if t.verdict != "untold")]
        untold = [t.counterfeit for t in self.trials if t.verdict == "untold"]
        if untold:
            lines.append(f"  says nothing here: {', '.join(untold)}")
        return "\n".join([*lines, *([f"  {claims}"] if self.n_claims else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAnswer(Value):
    """An answer beside the check whether it rests on its recording.

    Attributes
    ----------
    answer
        What was answered.
    check
        What became of it on counterfeits.
    """

    answer: Answer
    check: MirageCheck

    def __str__(self) -> str:
        return f"{self.answer}\n\nDoes it rest on the recording?\n{self.check}"
