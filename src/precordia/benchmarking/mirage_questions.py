# SPDX-License-Identifier: Apache-2.0
"""The questions of the mirage battery: every template and free ones, in three wordings each."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from precordia.core.leads import STANDARD_12
from precordia.core.study import Study
from precordia.questions.query import ABOVE, BELOW, WITHIN
from precordia.questions.study_facts import LEAD_CRITERIA
from precordia.questions.vocabulary import terms_of_kind

#: templates of two recordings
_FIRST_OF_TWO = 43
_KINDS = {
    "axis": range(20, 23),
    "stage of infarction": range(23, 26),
    "noise": range(26, 35),
    "extrasystoles": range(35, 39),
    "intervals": range(39, 43),
    "two recordings, statements": (*range(43, 50), *range(57, 64)),
    "two recordings, intervals": (*range(50, 57), *range(64, 71)),
}
_SLOT = re.compile(r"\{(\w+)\}")
_STRIDE = 5  # how far the next recording's fillings lie apart; a prime, so that all come by


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryQuestion:
    """One question of the battery.

    Attributes
    ----------
    name
        ``"template 17"`` or ``"free: rate"``.
    kind
        What it is about: ``"statements"``, ``"noise"``, ...
    wordings
        The same question in different words.
    of_two
        Whether it compares two recordings.
    """

    name: str
    kind: str
    wordings: tuple[str, ...]
    of_two: bool = False


@cache
def _bank() -> dict[str, dict[str, list[str]]]:
    text = files("precordia.benchmarking").joinpath("mirage_questions.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def _fillings() -> dict[str, tuple[str, ...]]:
    """Return what each place can be filled with."""

    def names(*kinds: str) -> list[str]:
        return [t.name for t in terms_of_kind(*kinds) if len(t.codes) == 1 or not t.is_statement]

    shapes = [t.name for t in terms_of_kind("form") if set(t.codes) & set(LEAD_CRITERIA)]
    made = {
        "super": names("superclass"),
        "diag": names("diagnostic"),
        "form": names("form"),
        "rhythm": names("rhythm"),
        "shape": shapes,
        "axis": names("axis"),
        "stage": [n for n in names("stage") if "unknown" not in n],
        "noise": names("noise"),
        "ectopy": names("ectopy"),
        "feature": names("interval"),
        "range": [ABOVE, WITHIN, BELOW],
        "lead": [f"lead {name}" for name in STANDARD_12],
    }
    made["code"] = [n for slot in ("super", "diag", "form", "rhythm") for n in made[slot]]
    return {slot: tuple(values) for slot, values in made.items()}


def questions_for(turn: int, study: Study | None = None) -> tuple[BatteryQuestion, ...]:
    """Return the questions for one recording.

    Parameters
    ----------
    turn
        Number of the recording: what is asked for by name differs from one to the next.
    study
        The recording, examined: then template 1 is asked of something that was found, too.

    Returns
    -------
    All 70 templates, and the free questions.

    Examples
    --------
    >>> made = questions_for(0)
    >>> len(made) > 70, made[0].wordings[0]
    (True, 'Does this ECG show conduction disturbance?')
    """
    made = []
    for number, wordings in _bank()["templates"].items():
        made.append(
            BatteryQuestion(
                name=f"template {number}",
                kind=_kind(int(number)),
                wordings=_filled(wordings, turn + int(number) - 1),
                of_two=int(number) >= _FIRST_OF_TWO,
            )
        )
    for name, wordings in _bank()["free"].items():
        filled = _filled(wordings, turn + len(name))
        made.append(BatteryQuestion(name=f"free: {name}", kind="free", wordings=filled))
    found = _found_terms(study)
    if found:
        wordings = tuple(w.format(code=found[turn % len(found)]) for w in _bank()["templates"]["1"])
        made.append(BatteryQuestion(name="found", kind="statements", wordings=wordings))
    return tuple(made)


def _kind(number: int) -> str:
    return next((kind for kind, numbers in _KINDS.items() if number in numbers), "statements")


def _found_terms(study: Study | None) -> list[str]:
    """Return the names of what was found, as questions call it."""
    if study is None:
        return []
    codes = {finding.code for finding in study.findings.present}
    terms = terms_of_kind("diagnostic", "form", "rhythm")
    return [t.name for t in terms if len(t.codes) == 1 and t.codes[0] in codes]


def _filled(wordings: list[str], turn: int) -> tuple[str, ...]:
    told = {}
    for slot in {s for wording in wordings for s in _SLOT.findall(wording)}:
        values = _fillings()[slot.rstrip("2")]
        told[slot] = values[(turn * _STRIDE + slot.endswith("2")) % len(values)]
    return tuple(wording.format(**told) for wording in wordings)
