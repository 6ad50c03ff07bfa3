# SPDX-License-Identifier: Apache-2.0
"""Georgia 12-lead ECG Challenge Database: the source E of the challenges of 2020 and 2021."""

from __future__ import annotations

from pathlib import Path

from precordia.datasets.challenge_records import find_scored_or_all
from precordia.datasets.found import Found


def find_georgia(folder: Path, *, task: str) -> Found:
    """Find the records of Georgia.

    Parameters
    ----------
    folder
        Searched with all its folders for records E.
    task
        all: every concept. scored: the classes of the score of 2021.

    Returns
    -------
    What was found. Which records are of one patient is not published.
    """
    return find_scored_or_all(folder, ("E",), task, 2021)
