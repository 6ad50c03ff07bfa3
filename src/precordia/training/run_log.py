# SPDX-License-Identifier: Apache-2.0
"""The log of a training: a line a step and an epoch, and the same for TensorBoard."""

from __future__ import annotations

import contextlib
import json
import math
import os
from pathlib import Path
from typing import Any

from precordia.core.errors import OutputError

NAME = "log.jsonl"
#: what depends on the machine and its mood, and not on the training
TIMES = ("records_per_s", "seconds_left", "seconds")


class RunLog:
    """Lines of JSON in a file that is cut back to where a resumed training goes on.

    Parameters
    ----------
    folder
        Where the log is; None keeps none.
    length
        Bytes of an older log that stay.
    step
        Step at which it goes on, so that TensorBoard forgets what is done again.
    tensorboard
        Write event files too, where the package is installed.

    Raises
    ------
    OutputError
        If the disk refuses, now or at any line.
    """

    def __init__(
        self, folder: Path | None, *, length: int = 0, step: int = 0, tensorboard: bool = True
    ) -> None:
        self._path = None if folder is None else folder / NAME
        self._file = None
        self._events: Any = None
        if self._path is None or folder is None:
            return
        try:
            self._file = self._path.open("ab")
            if self._file.tell() > length:
                self._file.truncate(length)
                self._file.seek(length)
        except OSError as error:
            raise self._refused(error) from error
        if tensorboard:
            self._events = _event_writer(folder / "tensorboard", step)

    def write(self, line: dict[str, Any]) -> None:
        """Write a line; numbers that are none become null."""
        if self._file is None:
            return
        finite = {
            k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in line.items()
        }
        try:
            self._file.write(json.dumps(finite).encode() + b"\n")
        except OSError as error:
            raise self._refused(error) from error
        if self._events is not None:
            self._draw(finite)

    def settle(self) -> int:
        """Bring everything to the disk and return the length of the log."""
        if self._file is None:
            return 0
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            if self._events is not None:
                self._events.flush()
            return self._file.tell()
        except OSError as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """Close the files; a disk that refuses the last lines is no reason to fail then."""
        for file in (self._events, self._file):
            if file is not None:
                with contextlib.suppress(OSError):
                    file.close()

    def _draw(self, line: dict[str, Any]) -> None:
        room = "epoch" if "epoch_ended" in line else "step"
        try:
            for name, value in line.items():
                if isinstance(value, float):
                    self._events.add_scalar(f"{room}/{name}", value, int(line["step"]))
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> OutputError:
        reason = error.strerror or str(error)
        return OutputError(
            f"'{self._path}' could not be written ({reason}). The last checkpoint is whole; free "
            "space and resume (resume=True, --resume)."
        )


def _event_writer(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard.writer import SummaryWriter
    except ImportError:  # TensorBoard is a convenience; the lines say everything
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)
