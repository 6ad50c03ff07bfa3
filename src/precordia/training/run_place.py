# SPDX-License-Identifier: Apache-2.0
"""The folder that a training is to fill, refused early where it cannot."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from precordia.core.errors import OutputError
from precordia.datasets.store_lock import writing

#: carries the lock of the process that trains in a folder
_LOCK = ".training.lock"


@contextlib.contextmanager
def place_of(
    place: Path, *, resume: bool, overwrite: bool, is_first: bool = True
) -> Iterator[None]:
    """Make the folder of a training and hold it, so that no other training writes into it.

    Parameters
    ----------
    place, resume, overwrite
        As `make_place` has them.
    is_first
        Whether this is the first of the processes that train; the others touch nothing.

    Raises
    ------
    OutputError
        As `make_place`, and if another training is at work there.
    """
    if not is_first:
        yield
        return
    make_place(place, resume=resume, overwrite=overwrite)
    with writing(place, name=_LOCK, stays=False):
        yield


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
