# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C lets the step end and the checkpoint be written; a second one does not wait."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

#: what asks a training to end: Ctrl-C, and a scheduler that wants its machine back
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether somebody asked for an end.

    Attributes
    ----------
    wanted
        True after the first signal.
    """

    def __init__(self) -> None:
        self.wanted = False

    @contextlib.contextmanager
    def heeded(self) -> Iterator[None]:
        """Note the first signal while the block lasts; in a thread of its own, note nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True


class Interrupted(KeyboardInterrupt):
    """A training that was asked to end, after its checkpoint was written.

    Attributes
    ----------
    step
        Steps done.
    folder
        Where the checkpoint is.
    """

    def __init__(self, step: int, folder: Path | None) -> None:
        super().__init__(
            f"stopped after step {step}; resume with resume=True (--resume), in '{folder}'."
        )
        self.step, self.folder = step, folder
