# SPDX-License-Identifier: Apache-2.0
"""What a method answered to each test record, kept beside the rows for comparisons and pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError
from precordia.core.output import write_whole

FOLDER = "answers"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """Answers of one run.

    Attributes
    ----------
    names, classes
        Of the test records, and of the columns.
    scores
        High where the method says positive.
    probabilities
        The same as probabilities; None where the method gives none.
    targets
        What is so: a column for each class, or time and event of survival.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    scores: Float[np.ndarray, "batch statement"]
    targets: Float[np.ndarray, "batch truth"]
    probabilities: Float[np.ndarray, "batch statement"] | None = None


def write_predictions(answers: Predictions, folder: str | Path, run: str) -> Path:
    """Write the answers of a run as ``answers/RUN.npz`` below a folder."""
    place = Path(folder) / FOLDER / f"{run}.npz"
    held = io.BytesIO()
    arrays = {
        "names": np.array(answers.names, str),
        "classes": np.array(answers.classes, str),
        "scores": answers.scores.astype(np.float64),
        "targets": answers.targets.astype(np.float32),
    }
    if answers.probabilities is not None:
        arrays["probabilities"] = answers.probabilities.astype(np.float32)
    np.savez_compressed(held, **arrays)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole({place: held.getvalue()}, overwrite=True)
    return place


def read_predictions(folder: str | Path, run: str) -> Predictions:
    """Read the answers of a run.

    Raises
    ------
    FormatError
        If they are not there, or damaged.
    """
    place = Path(folder) / FOLDER / f"{run}.npz"
    try:
        with np.load(place, allow_pickle=False) as held:
            return Predictions(
                names=tuple(map(str, held["names"])),
                classes=tuple(map(str, held["classes"])),
                scores=held["scores"],
                targets=held["targets"].astype(float),
                probabilities=held["probabilities"].astype(float)
                if "probabilities" in held
                else None,
            )
    except (OSError, ValueError, KeyError) as error:
        raise FormatError(
            f"the answers '{place}' cannot be read ({error}); the benchmark wrote them beside its "
            "rows. Name another --output and run it again."
        ) from error
