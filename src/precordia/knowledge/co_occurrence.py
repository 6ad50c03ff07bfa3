# SPDX-License-Identifier: Apache-2.0
"""Which statements PTB-XL's cardiologists gave to the same recordings, and how often."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from precordia.core.errors import unknown_name
from precordia.core.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Together(Value):
    """How often one statement was given along with another.

    Attributes
    ----------
    code
        The other statement.
    n
        Recordings with both.
    share
        Share of the recordings with the first statement that have the other, 0 to 1.
    ppmi
        Positive pointwise mutual information, bits: by how much more often than by chance they
        occur together; 0 where not more often.
    """

    code: str
    n: int
    share: float
    ppmi: float


@cache
def _table() -> dict[str, Any]:
    text = files("precordia.knowledge").joinpath("co_occurrence.toml").read_text("utf-8")
    return tomllib.loads(text)


def source_of_counts() -> dict[str, Any]:
    """Return where the counts come from: database, reference, licence, folds, recordings.

    Examples
    --------
    >>> source_of_counts()["licence"], source_of_counts()["folds"]
    ('CC BY 4.0', [1, 2, 3, 4, 5, 6, 7, 8])
    """
    return dict(_table()["source"])


@cache
def _pairs() -> dict[str, dict[str, int]]:
    rows = _table()["statement"]
    counts: dict[str, dict[str, int]] = {code: {} for code in rows}
    for code, row in rows.items():
        for other, n in row["with"].items():
            counts[code][other] = counts[other][code] = n
    return counts


def count_recordings(code: str) -> int:
    """Return how many recordings have a statement.

    Raises
    ------
    UnknownNameError
        If PTB-XL has no such statement.

    Examples
    --------
    >>> count_recordings("AFIB")
    1211
    """
    rows = _table()["statement"]
    if code not in rows:
        raise unknown_name("statement of PTB-XL", code, rows, listing="list_codes('scp-ecg')")
    return int(rows[code]["n"])


def found_together(code: str) -> tuple[Together, ...]:
    """Return the statements that were given along with one, the most telling first.

    Parameters
    ----------
    code
        One of the 71 statements of PTB-XL.

    Returns
    -------
    One entry for each statement that was given to the same recording at least once, by falling
    ``ppmi``.

    Raises
    ------
    UnknownNameError
        If PTB-XL has no such statement.

    Notes
    -----
    Counted over the labels of PTB-XL's folds 1 to 8 (17,418 recordings), where a statement counts
    at any likelihood, 0 included, which is how PTB-XL stores rhythms and forms. With n recordings,
    ``ppmi = max(0, log2(n n(a, b) / (n(a) n(b))))``. It says how readers of one hospital reported,
    not what causes what, and one shared recording of two rare statements gives a high value: look
    at ``n`` as well. These are counts alone; no test fold was seen.

    References
    ----------
    Wagner P et al. PTB-XL. Sci Data 2020;7:154. doi:10.1038/s41597-020-0495-6 (CC BY 4.0).
    Church KW, Hanks P. Comput Linguist 1990;16:22-29 (mutual information of pairs).

    Examples
    --------
    >>> first = found_together("1AVB")[0]
    >>> first.ppmi > 0
    True
    """
    n_all = int(_table()["source"]["n_recordings"])
    own = count_recordings(code)
    found = [
        Together(
            code=other,
            n=n,
            share=n / own,
            ppmi=max(0.0, math.log2(n_all * n / (own * count_recordings(other)))),
        )
        for other, n in _pairs()[code].items()
    ]
    return tuple(sorted(found, key=lambda t: (-t.ppmi, -t.n, t.code)))
