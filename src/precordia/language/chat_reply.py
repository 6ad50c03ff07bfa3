# SPDX-License-Identifier: Apache-2.0
"""What an endpoint answered: the words of a chat completion, or why there are none."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from precordia.language.failures import BackendError, BackendRefusedError, ReplyError

_MOST_QUOTED = 200
_WHY = {
    401: "it wants a key, or another one; put it into the environment as {variable}",
    403: "it refuses access with this key; check what the key in {variable} may do",
    404: "it has no such address or model; check base_url and model",
    413: "the prompt is too long for it",
    429: "too many requests, or the account is used up; try again later",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Status and content of one answer over HTTP.

    Attributes
    ----------
    status
        As HTTP numbers them.
    content
        Bytes.
    retry_after
        Seconds to wait, where the server says so.
    """

    status: int
    content: bytes
    retry_after: float | None = None


def read_chat_reply(answered: Answered, host: str) -> tuple[str, str, float]:
    """Return the words of a chat completion, the model, and the number of tokens.

    Parameters
    ----------
    answered
        What came.
    host
        From where, for the error.

    Returns
    -------
    Words; name of the model, empty where it is not told; tokens, NaN where they are not.

    Raises
    ------
    ReplyError
        If it is no chat completion.

    Examples
    --------
    >>> content = b'{"choices": [{"message": {"content": "Hello"}}], "usage": {"total_tokens": 7}}'
    >>> read_chat_reply(Answered(status=200, content=content), "localhost")
    ('Hello', '', 7.0)
    """
    held = _parsed(answered.content)
    if not isinstance(held, dict):
        raise ReplyError(
            f"'{host}' answered with what is no JSON object ({_quoted(answered.content)}). Check "
            "that base_url is that of an OpenAI-compatible server."
        )
    try:
        choice = held["choices"][0]
        content = choice["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise ReplyError(
            f"'{host}' answered with JSON that is no chat completion "
            f"({_quoted(answered.content)}). Check base_url and model."
        ) from error
    if isinstance(content, list):
        content = "".join(
            part["text"]
            for part in content
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    if not isinstance(content, str) or not content.strip():
        cut = isinstance(choice, dict) and choice.get("finish_reason") == "length"
        why = "was cut before its first word; allow more tokens" if cut else "holds no words"
        raise ReplyError(f"the reply of '{host}' {why}.")
    model = held.get("model")
    usage = held.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    counted = isinstance(total, int | float) and not isinstance(total, bool) and total >= 0
    return (
        content,
        _printable(model) if isinstance(model, str) else "",
        float(total) if counted else math.nan,  # type: ignore[arg-type]
    )


def refusal(answered: Answered, host: str, variable: str) -> BackendError:
    """Return the error for a status other than success.

    Parameters
    ----------
    answered
        What came.
    host
        From where.
    variable
        Name of the environment variable that holds the key.

    Returns
    -------
    The error, to be raised by the caller.

    Examples
    --------
    >>> said = b'{"error": {"message": "no key"}}'
    >>> print(refusal(Answered(status=401, content=said), "host", "PRECORDIA_API_KEY"))
    'host' answered 401: it wants a key, or another one; put it into the environment as
    PRECORDIA_API_KEY (it says: 'no key').
    """
    why = _WHY.get(answered.status, "it failed" if answered.status >= 500 else "it refuses")
    said = words_of_error(answered)
    told = f" (it says: '{said[:_MOST_QUOTED]}')" if said else ""
    return BackendRefusedError(
        f"'{host}' answered {answered.status}: {why.format(variable=variable)}{told}."
    )


def words_of_error(answered: Answered) -> str:
    """Return what an endpoint says of an error; empty where it says nothing in words."""
    held = _parsed(answered.content)
    said: Any = held.get("error", held.get("message", held.get("detail"))) if held else None
    if isinstance(said, dict):
        said = said.get("message")
    return _printable(said) if isinstance(said, str) else ""


def _parsed(content: bytes) -> dict[str, Any] | None:
    try:
        held = json.loads(content.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return held if isinstance(held, dict) else None


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:1000]).strip()


def _quoted(content: bytes) -> str:
    said = _printable(content[:_MOST_QUOTED].decode("utf-8", "replace"))
    return f"'{said}'" if said else "empty"
