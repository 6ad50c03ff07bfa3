# SPDX-License-Identifier: Apache-2.0
"""Backends: whatever takes messages and gives text, behind one interface, and their table."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from precordia.core.errors import OptionError, unknown_name
from precordia.core.registry import load_object
from precordia.core.value import Value

Role = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant")
#: name: where it is
BACKENDS = {
    "none": "precordia.language.no_model:NoModel",
    "endpoint": "precordia.language.endpoint:Endpoint",
    "local": "precordia.language.local:LocalModel",
    "recorded": "precordia.language.recorded:RecordedReplies",
}
#: as many tokens may a reply have where nothing else is said
MAX_TOKENS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Value):
    """One message of a conversation with a language model.

    Attributes
    ----------
    role
        ``"system"`` (what it should do), ``"user"`` or ``"assistant"``.
    text
        The words.
    """

    role: Role
    text: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise OptionError(f"role is '{self.role}'; one of {', '.join(ROLES)} is needed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Value):
    """What a language model wrote.

    Attributes
    ----------
    text
        Its words, unchecked.
    model
        Which model wrote them, as the backend calls it.
    n_tokens
        Tokens of prompt and reply together; NaN where the backend does not count them.
    seconds
        How long it took.
    """

    text: str
    model: str = ""
    n_tokens: float = math.nan
    seconds: float = math.nan


@runtime_checkable
class Backend(Protocol):
    """What every backend can do.

    Attributes
    ----------
    name
        Name in the table of backends.
    model
        Which model it asks.
    """

    name: str
    model: str

    def generate(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = MAX_TOKENS,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Reply:
        """Let the model continue a conversation.

        Parameters
        ----------
        messages
            What was said so far.
        schema
            JSON Schema that the reply should obey. A backend asks for it as strictly as it can;
            whoever gets the reply checks it still.
        max_tokens
            The reply ends after as many tokens.
        temperature
            0 takes the most likely token each time.
        seed
            Of the drawing, where the temperature is above 0.

        Returns
        -------
        The reply, unchecked.

        Raises
        ------
        BackendError
            If the model cannot be asked, or does not answer.
        """
        ...


def list_backends() -> tuple[str, ...]:
    """Return the names of all backends.

    Examples
    --------
    >>> list_backends()
    ('none', 'endpoint', 'local', 'recorded')
    """
    return tuple(BACKENDS)


def load_backend(name: str = "none", **options: Any) -> Backend:
    """Make a backend.

    Parameters
    ----------
    name
        One of `list_backends`, or an own one as ``"module:object"``, called with the options.
    **options
        What it takes, such as ``base_url=`` and ``model=`` of ``"endpoint"``, or ``folder=`` of
        ``"local"``.

    Returns
    -------
    The backend. Nothing is sent anywhere yet.

    Raises
    ------
    UnknownNameError
        If there is no such backend, or it takes no such option.
    OptionError
        If an option is missing or makes no sense.
    MissingExtraError
        If the backend needs a package that is not installed.

    Examples
    --------
    >>> load_backend("none")
    NoModel()
    >>> load_backend("endpont")
    Traceback (most recent call last):
    precordia.core.errors.UnknownNameError: no backend 'endpont'. Did you mean 'endpoint'?  All:
    list_backends().
    """
    if not isinstance(name, str):
        raise OptionError(f"a {type(name).__name__} arrived as the name of a backend; give a str.")
    if name not in BACKENDS and ":" not in name:
        raise unknown_name("backend", name, BACKENDS, listing="list_backends()")
    if name in BACKENDS:
        made_by = load_object(BACKENDS[name], extra="language", purpose=f"the backend '{name}'")
    else:
        made_by = _own(name)
    taken = _parameters(made_by)
    if not any(p.kind is p.VAR_KEYWORD for p in taken.values()):
        for option in options:
            if option not in taken:
                raise unknown_name(
                    f"option of '{name}'", option, taken, listing=", ".join(taken) or "none"
                )
    needed = [
        key for key, p in taken.items()
        if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        and key not in options
    ]  # fmt: skip
    if needed:
        raise OptionError(
            f"the backend '{name}' needs {' and '.join(needed)}, which did not arrive. "
            f"It takes: {', '.join(taken)}."
        )
    backend = made_by(**options)
    if not isinstance(backend, Backend):
        raise OptionError(
            f"'{name}' is no backend: it needs 'name', 'model' and 'generate', as "
            "precordia.language.backend.Backend has them."
        )
    return backend


def _parameters(made_by: Any) -> Mapping[str, inspect.Parameter]:
    """Return what makes a backend; any option goes where Python does not know."""
    try:
        return inspect.signature(made_by).parameters
    except (ValueError, TypeError):
        anything = inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD)
        return {"options": anything}


def _own(path: str) -> Any:
    """Import a backend that is not in the table, or say in a sentence why not."""
    try:
        made_by = load_object(path)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise OptionError(
            f"the backend '{path}' cannot be imported ({error}). Give it as 'module:object', from "
            "a module that Python finds."
        ) from error
    if not callable(made_by):
        raise OptionError(f"'{path}' cannot be called; a class of backends is needed.")
    return made_by
