# SPDX-License-Identifier: Apache-2.0
"""Say what could not be done with files: a sentence that many share is said once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer

#: as many files with the same sentence are counted in place of listed
_MANY = 3
_NAME = "\0"


def say_problems(problems: Iterable[tuple[object, str]]) -> None:
    """Print problems on stderr, each with its file; one that many files have, with their number.

    Parameters
    ----------
    problems
        File and sentence. Sentences that differ in nothing but the file's own name are the same.
    """
    for line in problem_lines(problems):
        typer.echo(line, err=True)


def problem_lines(problems: Iterable[tuple[object, str]]) -> list[str]:
    """Return the lines that `say_problems` prints.

    Examples
    --------
    >>> problem_lines([("a.dat", "is empty."), ("b.dat", "'b.dat' is no ECG.")])
    ['a.dat: is empty.', "b.dat: 'b.dat' is no ECG."]
    >>> problem_lines((f"{k}.hea", "this needs soundfile.") for k in range(700))
    ['700 files (such as 0.hea, 1.hea, 2.hea): this needs soundfile.']
    """
    from precordia.datasets.found import such_as  # brings NumPy, which help does without

    groups: dict[str, list[tuple[str, str]]] = {}
    for place, problem in problems:
        file = str(place)
        groups.setdefault(_without_name(file, problem), []).append((file, problem))
    lines = []
    for held in groups.values():
        if len(held) < _MANY:
            lines += [f"{file}: {problem}" for file, problem in held]
            continue
        files = such_as([file for file, _ in held])
        lines.append(f"{len(held)} files ({files}): {held[0][1]}")
    return lines


def _without_name(file: str, problem: str) -> str:
    """Return a sentence with its own file's names taken out, the longest first."""
    path = Path(file)
    for name in (file, path.name, path.stem):
        if len(name) > 1:
            problem = problem.replace(name, _NAME)
    return problem
