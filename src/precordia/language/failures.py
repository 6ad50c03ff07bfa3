# SPDX-License-Identifier: Apache-2.0
"""What can go wrong when a language model is asked, each with its own type."""

from __future__ import annotations

from precordia.core.errors import PrecordiaError


class BackendError(PrecordiaError, RuntimeError):
    """A language model could not be asked, or did not answer."""


class RemoteOffError(BackendError, PermissionError):
    """The model is on another machine, and nothing may be sent there."""


class BackendDownError(BackendError, ConnectionError):
    """Nobody answers."""


class BackendSlowError(BackendError, TimeoutError):
    """The answer took longer than it may."""


class BackendRefusedError(BackendError):
    """The endpoint answered that it will not: no key, no such model, too many requests."""


class ReplyError(BackendError, ValueError):
    """The reply is not what was asked for: no JSON, outside of the schema, or too long."""
