# SPDX-License-Identifier: Apache-2.0
"""The folder that a training is to fill, refused early where it cannot."""

from __future__ import annotations

from pathlib import Path

from precordia.core.errors import OutputError


def make_place(place: Path, *, resume: bool, overwrite: bool) -> None:
    """Make the folder of a training.

    Parameters
    ----------
    place
        The folder.
    resume
        It may hold a training to go on with.
    overwrite
        It may hold a training to begin anew.

    Raises
    ------
    OutputError
        If it is a file, holds something that nobody spoke of, or cannot be made.
    """
    if place.exists() and not place.is_dir():
        raise OutputError(f"'{place}' is a file; a folder is needed. Choose another name.")
    if place.is_dir() and any(place.iterdir()) and not (resume or overwrite):
        raise OutputError(
            f"the folder '{place}' is not empty. Go on with the training in it (resume=True, "
            "--resume), begin anew (overwrite=True, --force), or choose another."
        )
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder '{place}' could not be made ({error.strerror}). Choose another."
        ) from error
