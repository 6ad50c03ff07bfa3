# SPDX-License-Identifier: Apache-2.0
"""Questions whose recordings are at hand, divided by patient."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from precordia.core.errors import OptionError
from precordia.datasets.ecg_qa_rows import read_question_rows

if TYPE_CHECKING:
    from precordia.training.record_source import RecordSource

#: more sets of answers than this are not all tried
_MOST = 64
#: as ECG-QA calls the superclasses of PTB-XL
_SUPERCLASSES = {
    "NORM": "normal ecg",
    "MI": "myocardial infarction",
    "STTC": "st/t change",
    "CD": "conduction disturbance",
    "HYP": "hypertrophy",
}
_TEMPLATE_FILE = "answers_for_each_template.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question about recordings at hand, with its published answer.

    Attributes
    ----------
    text
        The question.
    answer
        The answers between commas, in alphabetical order.
    recordings
        Numbers of the recordings in their source.
    patients
        Of each recording.
    folds
        Of each recording.
    options
        Answers from which one is to be chosen, written likewise.
    template
        Number of the template, 0 without one.
    note
        What is known of the recordings, in words: for a tiny model that learns to read.
    """

    text: str
    answer: str
    recordings: tuple[int, ...]
    patients: tuple[str, ...]
    folds: tuple[str, ...]
    options: tuple[str, ...] = ()
    template: int = 0
    note: str = ""


def answer_text(answers: Iterable[str]) -> str:
    """Return a set of answers as one text.

    Examples
    --------
    >>> answer_text(["rr interval", "p duration"])
    'p duration, rr interval'
    """
    return ", ".join(sorted(answers))


def ecg_qa_questions(
    folder: Path | str,
    source: RecordSource,
    *,
    wording: str = "template",
    templates: Sequence[int] = (),
) -> list[Asked]:
    """Return the rows of ECG-QA whose recordings are all in a source.

    Parameters
    ----------
    folder
        Of ECG-QA, as its authors publish it.
    source
        Recordings of PTB-XL; their names end in the number of the recording.
    wording
        ``"template"`` or ``"paraphrased"``.
    templates
        Which templates; all by default.

    Raises
    ------
    MissingFileError, FormatError
        If there are no rows, or a file is no file of ECG-QA.
    OptionError
        If no recording of any row is in the source.
    """
    place = {_number(name): k for k, name in enumerate(source.names)}
    listed = _options_of_templates(Path(folder))
    asked = []
    for row in read_question_rows(Path(folder), wording=wording):
        if templates and row.template not in templates:
            continue
        if not all(i in place for i in row.ecg_ids):
            continue
        rows = tuple(place[i] for i in row.ecg_ids)
        asked.append(
            Asked(
                text=row.question,
                answer=answer_text(row.answers),
                recordings=rows,
                patients=tuple(source.patients[k] for k in rows),
                folds=tuple(source.folds[k] for k in rows),
                template=row.template,
                note=answer_text(row.answers),
                options=listed.get(row.template, ()),
            )
        )
    if not asked:
        raise OptionError(
            f"none of the questions in '{folder}' is about one of the {len(source)} recordings of "
            f"{source.title}; recordings of PTB-XL are needed, under their own numbers."
        )
    return asked


def label_questions(source: RecordSource, *, seed: int = 0) -> list[Asked]:
    """Ask of recordings with labels whether they show each class, as often rightly as wrongly.

    Parameters
    ----------
    source
        Recordings with classes.
    seed
        Of the draw of recordings.

    Notes
    -----
    As in ECG-QA, answers are balanced: of each class as many recordings without it are asked about
    as there are with it, drawn at random, so that the question alone tells nothing.
    """
    rng = np.random.default_rng(seed)
    asked = []
    for column, name in enumerate(source.classes):
        known = source.targets[:, column]
        yes, no = np.flatnonzero(known > 0.5), np.flatnonzero(known <= 0.5)
        n = min(len(yes), len(no))
        for k in sorted([*rng.permutation(yes)[:n].tolist(), *rng.permutation(no)[:n].tolist()]):
            shown = [c for c, t in zip(source.classes, source.targets[k], strict=True) if t > 0.5]
            asked.append(
                Asked(
                    text=f"Does this ECG show {_spoken(name)}?",
                    answer="yes" if known[k] > 0.5 else "no",
                    recordings=(k,),
                    patients=(source.patients[k],),
                    folds=(source.folds[k],),
                    options=("no", "yes"),
                    note=", ".join(map(_spoken, shown)),
                )
            )
    return asked


def _spoken(name: str) -> str:
    """Return a class in words: statements of PTB-XL by their names, others without hyphens."""
    return _SUPERCLASSES.get(name, name.replace("-", " "))


def texts_to_read(asked: Sequence[Asked]) -> list[str]:
    """Return what a tiny model from scratch reads before it sees a recording.

    Parameters
    ----------
    asked
        Questions of the training part.

    Notes
    -----
    Each question with its answer twice: with nothing where the recording stands, and with its note
    there. From the notes the model learns that what stands there tells the answer, which any model
    that was trained on much text knows. Recordings it has not seen.
    """
    return [
        f"ECG: {note}\nQuestion: {row.text}\nAnswer: {row.answer}"
        for row in asked
        for note in ("", row.note)
    ]


def divide_by_patient(asked: Sequence[Asked], parts: Mapping[int, str]) -> dict[str, list[Asked]]:
    """Divide questions into train, validation and test.

    Parameters
    ----------
    asked
        The questions.
    parts
        Part of each recording, as `precordia.training.data_parts.part_of_each` gives them.

    Returns
    -------
    Questions by part. One about recordings of two parts belongs to none. No patient is in two.
    """
    divided: dict[str, list[Asked]] = {"train": [], "validation": [], "test": []}
    owner: dict[str, str] = {}
    for row in asked:
        of_row = {parts.get(k, "") for k in row.recordings}
        if len(of_row) == 1 and (part := of_row.pop()) in divided:
            if any(owner.setdefault(p, part) != part for p in row.patients if p):
                raise OptionError(
                    f"patient {row.patients[0]} has questions for {part} and for another part; "
                    "divide by patient."
                )
            divided[part].append(row)
    return divided


def with_options(asked: Sequence[Asked], seen: Sequence[Asked]) -> list[Asked]:
    """Give each question all answers from which one may be chosen.

    Parameters
    ----------
    asked
        The questions.
    seen
        Those of the training part, whose answers may be chosen from too.

    Notes
    -----
    The options of the template by themselves, and sets of them that the training part has for the
    same template, the commonest first; 64 at most. The answer of the question itself is never
    added for being right.
    """
    sets: dict[int, Counter[str]] = defaultdict(Counter)
    for row in seen:
        sets[row.template][row.answer] += 1
    made = []
    for row in asked:
        common = [answer for answer, _ in sets[row.template].most_common()]
        options = tuple(dict.fromkeys([*row.options, *common]))[:_MOST]
        made.append(replace(row, options=options))
    return made


def _options_of_templates(folder: Path) -> dict[int, tuple[str, ...]]:
    """Read the options of each template, where the file is there."""
    found = sorted(folder.rglob(_TEMPLATE_FILE), key=lambda p: "ptbxl" not in str(p))
    if not found:
        return {}
    with found[0].open(encoding="utf-8", newline="") as file:
        return {
            int(row["template_id"]): tuple(re.findall(r"'([^']*)'", row["classes"]))
            for row in csv.DictReader(file)
        }


def _number(name: str) -> int:
    digits = re.search(r"(\d+)(?:_[lh]r)?$", name)
    return int(digits.group(1)) if digits else -1
