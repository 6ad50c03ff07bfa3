# SPDX-License-Identifier: Apache-2.0
"""The sentences of a reply, where it is the JSON that was asked for."""

from __future__ import annotations

import json
import re
from typing import Any

from precordia.language.failures import ReplyError

_MOST_SENTENCES = 60
_LONGEST = 100_000
_THOUGHTS = re.compile(r"^\s*<think>.*?</think>", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"^\s*```(?:json)?\s*(.*?)\s*```\s*$", re.DOTALL | re.IGNORECASE)


def sentences_of_reply(text: str) -> list[str]:
    """Return the sentences that a model wrote.

    Parameters
    ----------
    text
        Its reply. Thoughts before it, a fence around it and words beside the one JSON object are
        passed over.

    Returns
    -------
    Sentences, unchecked.

    Raises
    ------
    ReplyError
        If it is no JSON, or not of the schema.

    Examples
    --------
    >>> sentences_of_reply('Well: {"sentences": [{"text": "Normal ECG.", "facts": ["F1"]}]}')
    ['Normal ECG.']
    >>> sentences_of_reply("The ECG is normal.")
    Traceback (most recent call last):
    precordia.language.failures.ReplyError: the model replied with what is no JSON object ('The ECG
    is normal.'). ...
    """
    if len(text) > _LONGEST:
        raise ReplyError(
            f"the model replied with {len(text):,} characters, more than any answer has. Allow "
            "fewer tokens, or choose another model."
        )
    held = object_of_reply(text)
    if held is None:
        raise ReplyError(
            f"the model replied with what is no JSON object ('{text.strip()[:80]}'). Choose a "
            "model that follows a schema, or allow more tokens."
        )
    sentences = held.get("sentences")
    if not isinstance(sentences, list) or len(sentences) > _MOST_SENTENCES:
        raise ReplyError(
            "the model replied with JSON outside of the schema: 'sentences' should be a list of "
            f"at most {_MOST_SENTENCES}. Choose a model that follows a schema."
        )
    found = []
    for one in sentences:
        said = one.get("text") if isinstance(one, dict) else None
        if not isinstance(said, str):
            raise ReplyError(
                "the model replied with JSON outside of the schema: every sentence needs its "
                "'text'. Choose a model that follows a schema."
            )
        found.append(said)
    return found


def object_of_reply(text: str) -> dict[str, Any] | None:
    """Return the one JSON object of a reply; None where there is none.

    Parameters
    ----------
    text
        The reply. Thoughts before the object, a fence around it and words beside it are passed
        over.

    Examples
    --------
    >>> object_of_reply('So: {"answers": []}')
    {'answers': []}
    """
    text = _THOUGHTS.sub("", text)
    fenced = _FENCE.match(text)
    text = fenced[1] if fenced else text
    begin, end = text.find("{"), text.rfind("}")
    if begin < 0 or end < begin:
        return None
    try:
        held = json.loads(text[begin : end + 1])
    except (ValueError, RecursionError):
        return None
    return held if isinstance(held, dict) else None
