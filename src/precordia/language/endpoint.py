# SPDX-License-Identifier: Apache-2.0
"""Ask a language model behind an OpenAI-compatible address, by the standard library alone."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from precordia.core.errors import OptionError
from precordia.language.address import check_allowed, parse_address
from precordia.language.backend import MAX_TOKENS, Message, Reply
from precordia.language.chat_reply import Answered, read_chat_reply, refusal, words_of_error
from precordia.language.failures import BackendDownError, BackendSlowError
from precordia.language.post import post_json
from precordia.language.prompt_key import prompt_key
from precordia.language.reply_cache import ReplyCache

KEY_VARIABLE = "PRECORDIA_API_KEY"
#: statuses after which the same request may do
_PASSING = (408, 429, 500, 502, 503, 504)
#: first pause between attempts, s; doubled with each
_PAUSE_S = 0.5
#: ways of asking for JSON, the strictest first
_SCHEMA, _OBJECT, _WORDS = "json_schema", "json_object", "words"


class Endpoint:
    """A language model behind ``/chat/completions``.

    Parameters
    ----------
    base_url
        Such as ``"http://localhost:8080/v1"``. ``localhost`` and loopback addresses are this
        machine and need no switch; everything else does.
    model
        Name of the model, as the server calls it.
    remote
        Whether other machines may be asked; None asks ``PRECORDIA_REMOTE``, which is off where it
        is not set.
    unencrypted
        Allow http to other machines.
    key_variable
        Name of the environment variable that holds the key. The key itself is no option: it is
        read when a request is made, sent in its header, and kept nowhere.
    timeout_s
        Whole time that a reply may take, with all attempts.
    attempts
        How often the same request is made where the server is busy or broken.
    most_bytes
        A longer reply is refused.
    cache
        Folder for replies, by `prompt_key`; None keeps none.

    Raises
    ------
    OptionError
        If an option makes no sense.
    RemoteOffError
        If the address is on another machine and that was not switched on.

    Notes
    -----
    A JSON Schema is asked for by ``response_format``; a server that refuses that is asked for any
    JSON object, then for plain text, and which way it understood is remembered. The schema also
    stands in the prompt, so that a server without it has a chance. Redirects are followed on the
    same host, scheme and port alone. Proxies of the environment are not used.

    Examples
    --------
    >>> Endpoint(base_url="https://api.example.org/v1", model="some-model", remote=False)
    Traceback (most recent call last):
    precordia.language.failures.RemoteOffError: 'api.example.org' is another machine, and asking
    models on other machines is off. ...
    """

    name = "endpoint"

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        remote: bool | None = None,
        unencrypted: bool = False,
        key_variable: str = KEY_VARIABLE,
        timeout_s: float = 60.0,
        attempts: int = 3,
        most_bytes: int = 1 << 20,
        cache: str | Path | None = None,
    ) -> None:
        self._address = parse_address(base_url)
        for name, value in (("remote", remote), ("unencrypted", unencrypted)):
            if not isinstance(value, bool) and not (name == "remote" and value is None):
                raise OptionError(f"{name} is {value!r}; true or false is needed.")
        if not isinstance(model, str) or not model.strip() or len(model) > 200:
            raise OptionError("model is no name. Give the name by which the server calls it.")
        for name, value in (("timeout_s", timeout_s), ("most_bytes", most_bytes)):
            if not isinstance(value, int | float) or not 0 < value < math.inf:
                raise OptionError(f"{name} is {value!r}; a number above 0 is needed.")
        if not isinstance(attempts, int) or not 1 <= attempts <= 10:
            raise OptionError(f"attempts is {attempts!r}; 1 to 10 are possible.")
        if not isinstance(key_variable, str) or not key_variable.isidentifier():
            raise OptionError(
                "key_variable is no name of an environment variable. Give the name of the "
                "variable, never the key itself."
            )
        self._remote, self._unencrypted = remote, unencrypted
        check_allowed(self._address, remote=remote, unencrypted=unencrypted)
        self.model = model
        self._key_variable = key_variable
        self._timeout_s, self._attempts = float(timeout_s), attempts
        self._most_bytes = int(most_bytes)
        self._cache = ReplyCache(cache) if cache is not None else None
        self._way, self._length = _SCHEMA, "max_tokens"

    def __repr__(self) -> str:
        return f"Endpoint({self._address}, model={self.model!r})"

    def generate(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = MAX_TOKENS,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Reply:
        """Ask, and ask again where the server is busy.

        Raises
        ------
        BackendError
            As one of its kinds: the endpoint is off, down, slow, refuses, or replies with what is
            no chat completion.
        """
        asked = {
            "schema": schema,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed,
        }
        key = prompt_key(messages, **asked, model=f"{self._address} {self.model}")
        if self._cache is not None and (kept := self._cache.find(key)) is not None:
            return kept
        begun = time.monotonic()
        answered = self._ask(messages, schema, max_tokens, temperature, seed, begun)
        text, model, n_tokens = read_chat_reply(answered, self._address.host)
        seconds = time.monotonic() - begun
        reply = Reply(text=text, model=model or self.model, n_tokens=n_tokens, seconds=seconds)
        if self._cache is not None:
            self._cache.keep(key, reply)
        return reply

    def _ask(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None,
        max_tokens: int,
        temperature: float,
        seed: int,
        begun: float,
    ) -> Answered:
        """Ask until there is an answer, a plain refusal, or no time left."""
        attempt = 0
        while True:
            body: dict[str, Any] = {
                "model": self.model,
                "messages": [{"role": m.role, "content": m.text} for m in messages],
                self._length: max_tokens,
                "temperature": temperature,
                "seed": seed,
                "stream": False,
            }
            if schema is not None and self._way != _WORDS:
                body["response_format"] = _format(self._way, schema)
            try:
                answered = self._post(body, begun)
            except BackendDownError:
                attempt += 1
                if attempt >= self._attempts or not self._waited(attempt, None, begun):
                    raise
                continue
            if answered.status in (400, 415, 422) and self._try_plainer(body, answered):
                continue
            attempt += 1
            again = answered.status in _PASSING and attempt < self._attempts
            if again and self._waited(attempt, answered.retry_after, begun):
                continue
            if answered.status != 200:
                raise refusal(answered, self._address.host, self._key_variable)
            return answered

    def _post(self, body: dict[str, Any], begun: float) -> Answered:
        check_allowed(self._address, remote=self._remote, unencrypted=self._unencrypted)
        left = self._timeout_s - (time.monotonic() - begun)
        if left <= 0:
            raise BackendSlowError(
                f"'{self._address.host}' did not answer within {self._timeout_s:g} s. Give it more "
                "time (timeout_s=), or a smaller model."
            )
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        return post_json(
            self._address,
            content,
            key=self._key(),
            timeout_s=left,
            most_bytes=self._most_bytes,
            whole_s=self._timeout_s,
        )

    def _key(self) -> str:
        key = os.environ.get(self._key_variable, "").strip()
        if key and (not key.isascii() or not key.isprintable()):
            raise OptionError(
                f"the key in {self._key_variable} holds signs that no key has. Set it again."
            )
        return key

    def _try_plainer(self, body: dict[str, Any], answered: Answered) -> bool:
        """Ask in a way that more servers know; tell whether there is one left."""
        said = words_of_error(answered)
        if self._length == "max_tokens" and "max_completion_tokens" in said:
            self._length = "max_completion_tokens"
            return True
        if "response_format" not in body:
            return False
        self._way = _OBJECT if self._way == _SCHEMA else _WORDS
        return True

    def _waited(self, attempt: int, retry_after: float | None, begun: float) -> bool:
        """Wait before the next attempt; False where that would take too long."""
        pause = _PAUSE_S * 2 ** (attempt - 1)
        if retry_after is not None:
            pause = max(pause, retry_after)
        if time.monotonic() - begun + pause >= self._timeout_s:
            return False
        time.sleep(pause)
        return True


def _format(way: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if way == _OBJECT:
        return {"type": "json_object"}
    named = {"name": "reply", "schema": dict(schema), "strict": True}
    return {"type": "json_schema", "json_schema": named}
