# SPDX-License-Identifier: Apache-2.0
"""Replies kept in a folder, one file each, by the key of their prompt."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from precordia.core.errors import OutputError, PrecordiaError
from precordia.core.output import write_text_whole
from precordia.language.backend import Reply


class ReplyCache:
    """A folder of replies. A file that is damaged counts as none.

    Parameters
    ----------
    folder
        Made if it is not there.

    Raises
    ------
    OutputError
        If it cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> cache = ReplyCache(tempfile.mkdtemp())
    >>> cache.keep("ab", Reply(text="Hello"))
    >>> cache.find("ab").text, cache.find("cd")
    ('Hello', None)
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"the folder '{folder}' for replies cannot be made ({error.strerror}). Choose "
                "another."
            ) from error

    def find(self, key: str) -> Reply | None:
        """Return the reply to a prompt, or None."""
        try:
            reply = Reply.from_json((self._folder / f"{key}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, PrecordiaError):
            return None
        return replace(reply, seconds=0.0) if isinstance(reply.text, str) else None

    def keep(self, key: str, reply: Reply) -> None:
        """Keep a reply; a full disk keeps none, which is no reason to lose the reply."""
        with contextlib.suppress(OutputError):
            write_text_whole(reply.to_json(), self._folder / f"{key}.json", overwrite=True)
