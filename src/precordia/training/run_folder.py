# SPDX-License-Identifier: Apache-2.0
"""The folder of a training: gone on with, begun anew, or refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from precordia.core.errors import OutputError, WeightsError
from precordia.training import checkpoint as checkpoints
from precordia.training import run_log
from precordia.training.checkpoint import Checkpoint, read_checkpoint
from precordia.training.processes import Processes


def checkpoint_to_go_on_from(
    folder: Path, about: dict[str, Any], processes: Processes, *, resume: bool, overwrite: bool
) -> Checkpoint | None:
    """Return the checkpoint to go on from; without one, make the folder ready.

    Parameters
    ----------
    folder
        Of the training.
    about
        What must be the same to go on: ``settings`` by name, and whatever else.
    processes
        Those that train; the first alone touches the folder.
    resume
        Go on from the checkpoint, if there is one.
    overwrite
        Begin anew where a training is there.

    Raises
    ------
    OutputError
        If a training is there and nobody said what to do with it, or the folder cannot be made.
    WeightsError
        If the checkpoint is damaged, or of another training.
    """
    if resume and (found := read_checkpoint(folder)) is not None:
        _check_same(found.about, about, folder)
        return found
    if not processes.is_first:
        return None
    ours = [folder / name for name in (checkpoints.NAME, run_log.NAME, "tensorboard")]
    there = [path for path in ours if path.exists()]
    if there and not (resume or overwrite):
        raise OutputError(
            f"'{folder}' holds a training already ({there[0].name}). Go on with it (resume=True, "
            "--resume), begin anew (overwrite=True, --force), or choose another folder."
        )
    for path in there:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder '{folder}' could not be made ({error.strerror}). Choose another place."
        ) from error
    return None


def _check_same(then: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    old, new = then["settings"], now["settings"]
    said = [f"{k} was {old.get(k)} and is {v}" for k, v in new.items() if old.get(k) != v]
    said += [f"the {k} differ" for k in now if k != "settings" and then.get(k) != now[k]]
    if said:
        raise WeightsError(
            f"the training in '{folder}' cannot go on: {'; '.join(said)}. Give what was given "
            "then, or begin anew (overwrite=True, --force)."
        )
