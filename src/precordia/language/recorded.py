# SPDX-License-Identifier: Apache-2.0
"""Replies from a file: the same prompt gets the same reply, offline and for ever."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from precordia.core.errors import FormatError, MissingFileError
from precordia.core.output import write_text_whole
from precordia.language.backend import MAX_TOKENS, Backend, Message, Reply
from precordia.language.failures import BackendError
from precordia.language.prompt_key import prompt_key

#: no such file is larger
_MOST_BYTES = 256 << 20


class RecordedReplies:
    """Give the replies that a file holds, and ask a backend for those that it lacks.

    Parameters
    ----------
    file
        JSON: one object, replies by `prompt_key`. Prompts are not kept in it.
    ask
        Whom to ask for a reply that the file lacks; it is added to the file. Without it the file
        alone is used, and need not be writable.

    Raises
    ------
    FormatError
        If the file is damaged.
    MissingFileError
        If there is no file, and nobody to ask.
    """

    name = "recorded"

    def __init__(self, file: str | Path, ask: Backend | None = None) -> None:
        self._file, self._ask = Path(file), ask
        if not self._file.exists() and ask is None:
            raise MissingFileError(
                f"there is no file '{file}' of recorded replies. Give one, or a backend to ask."
            )
        self._replies = _read(self._file) if self._file.exists() else {}
        self.model = ask.model if ask is not None else ""

    def generate(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = MAX_TOKENS,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Reply:
        """Give the reply of the file, or ask for it.

        Raises
        ------
        BackendError
            If the file lacks it and there is nobody to ask.
        """
        asked = {
            "schema": schema,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed,
        }
        key = prompt_key(messages, **asked)
        if key in self._replies:
            return replace(self._replies[key], seconds=0.0)
        if self._ask is None:
            raise BackendError(
                f"'{self._file}' holds no reply to this prompt ({key[:12]}...). Record it with "
                "RecordedReplies(file, ask=backend)."
            )
        reply = self._ask.generate(messages, **asked)
        self._replies[key] = reply
        kept = {name: held.to_dict() for name, held in sorted(self._replies.items())}
        text = json.dumps(kept, indent=1, ensure_ascii=False)
        write_text_whole(text + "\n", self._file, overwrite=True)
        return reply

    def __repr__(self) -> str:
        return f"RecordedReplies({len(self._replies)} replies)"


def _read(file: Path) -> dict[str, Reply]:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise FormatError(f"'{file}' is too large to be a file of recorded replies.")
        held = json.loads(file.read_text(encoding="utf-8"))
        replies = {str(key): Reply.from_dict(reply) for key, reply in held.items()}
        if not all(isinstance(reply.text, str) for reply in replies.values()):
            raise ValueError("a reply without words")
        return replies
    except FormatError as error:
        raise FormatError(f"'{file}' is no file of recorded replies: {error}") from error
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise FormatError(
            f"'{file}' is no file of recorded replies ({error}). It should be one JSON object: "
            "replies by the key of their prompt."
        ) from error
