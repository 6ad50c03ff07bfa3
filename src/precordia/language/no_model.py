# SPDX-License-Identifier: Apache-2.0
"""No language model: the default. Answers and reports are written by rules alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from precordia.language.backend import MAX_TOKENS, Message, Reply
from precordia.language.failures import BackendError


class NoModel:
    """The backend that asks nobody."""

    name = "none"
    model = ""

    def generate(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = MAX_TOKENS,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Reply:
        """Refuse, in a sentence.

        Raises
        ------
        BackendError
            Always.
        """
        del messages, schema, max_tokens, temperature, seed
        raise BackendError(
            "no language model was chosen. Choose one with load_backend('endpoint', ...) or "
            "load_backend('local', ...); answers and reports need none."
        )

    def __repr__(self) -> str:
        return "NoModel()"
