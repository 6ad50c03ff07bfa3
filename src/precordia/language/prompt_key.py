# SPDX-License-Identifier: Apache-2.0
"""One key for everything that decides a reply."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from precordia.language.backend import Message


def prompt_key(
    messages: Sequence[Message],
    *,
    schema: Mapping[str, Any] | None = None,
    max_tokens: int = 0,
    temperature: float = 0.0,
    seed: int = 0,
    model: str = "",
) -> str:
    """Return the SHA-256 of a prompt and all that decides its reply.

    Parameters
    ----------
    messages, schema, max_tokens, temperature, seed
        As given to the backend.
    model
        Which model is asked; empty where the reply is kept for any.

    Returns
    -------
    Sixty-four hexadecimal digits.

    Examples
    --------
    >>> hello = [Message(role="user", text="Hello")]
    >>> len(prompt_key(hello)), prompt_key(hello, seed=1) == prompt_key(hello)
    (64, False)
    """
    asked = {
        "messages": [[m.role, m.text] for m in messages],
        "schema": schema,
        "max_tokens": max_tokens,
        "temperature": temperature,
        "seed": seed,
        "model": model,
    }
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
