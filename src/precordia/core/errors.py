# SPDX-License-Identifier: Apache-2.0
"""The one family of errors. Each is also a builtin, so that old ``except`` clauses keep working.

A message is a sentence in three parts: what arrived, what was needed, what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

#: a longer sentence is cut: nobody reads it, and it may repeat a whole file
_LONGEST = 2000


class PrecordiaError(Exception):
    """Any mistake that precordia can explain.

    Sentences quote names and words of files that nobody vouches for. Characters that a terminal
    would obey are replaced, and a sentence that was made too long is cut.

    Examples
    --------
    >>> import precordia as pc
    >>> try:
    ...     pc.read("no_such_file.dcm")
    ... except PrecordiaError as error:
    ...     print(error)
    there is no file 'no_such_file.dcm'. Check the path and the spelling of the name.
    """

    def __str__(self) -> str:
        # KeyError would print the repr of its argument; a sentence should stay a sentence.
        said = str(self.args[0]) if self.args else ""
        if not said.isprintable():
            said = "".join(c if c.isprintable() or c == "\n" else "�" for c in said)
        return said if len(said) <= _LONGEST else said[:_LONGEST] + " ..."


class FormatError(PrecordiaError, ValueError):
    """A file is not what its name, header or checksum says."""


class MissingFileError(FormatError, FileNotFoundError):
    """There is no such file."""


class LeadError(PrecordiaError, ValueError):
    """Leads are missing, unknown, repeated or in conflict."""


class UnitError(PrecordiaError, ValueError):
    """A unit is absent, unknown or impossible."""


class SamplingRateError(PrecordiaError, ValueError):
    """A sampling rate is absent, impossible or not the one needed."""


class SignalError(PrecordiaError, ValueError):
    """An array has the wrong shape, type or content."""


class OptionError(PrecordiaError, ValueError):
    """An argument has a value that makes no sense."""


class UnknownNameError(PrecordiaError, KeyError):
    """A name is not in its table."""


class MissingExtraError(PrecordiaError, ImportError):
    """An optional dependency is not installed."""


class WeightsError(PrecordiaError, OSError):
    """Model weights are absent, damaged or of another model."""


class OutputError(PrecordiaError, OSError):
    """A result could not be written."""


def unknown_name(
    kind: str,
    name: str,
    known: Iterable[str],
    *,
    listing: str,
    elsewhere: Mapping[str, str] | None = None,
) -> UnknownNameError:
    """Build the error for a name that no table holds, with the nearest known name.

    Parameters
    ----------
    kind
        What the name should be: ``"format"``, ``"model"``, ...
    name
        The name that arrived.
    known
        Names that would have been right.
    listing
        The call that lists them, such as ``"list_formats()"``.
    elsewhere
        What other programs call them: their names, and ours.

    Returns
    -------
    The error, to be raised by the caller.

    Examples
    --------
    >>> print(unknown_name("format", "wfbd", ["wfdb", "edf"], listing="list_formats()"))
    no format 'wfbd'. Did you mean 'wfdb'?  All: list_formats().
    """
    ours = {**(elsewhere or {}), **{one: one for one in known}}
    near = difflib.get_close_matches(name, list(ours), n=1)
    hint = f" Did you mean '{ours[near[0]]}'?" if near else ""
    return UnknownNameError(f"no {kind} '{name}'.{hint}  All: {listing}.")
