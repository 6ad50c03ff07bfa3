# SPDX-License-Identifier: Apache-2.0
"""What was put into ``--set`` and has an option of its own: errors name that option."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from precordia.core.errors import OptionError

#: what the library calls an option that is called otherwise here
_CALLED_HERE = {"overwrite": "force", "n_jobs": "jobs"}


def own_option(sentence: str, command: Any, words: Sequence[str]) -> str:
    """Return what is to be added to an error that refuses a key of ``--set``.

    Parameters
    ----------
    sentence
        The error; it has the key between quotes.
    command
        The command line, or a command.
    words
        What it was given.

    Returns
    -------
    A sentence that names the option of the command itself; empty where it has none.
    """
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    flags = {flag.strip("-").replace("-", "_"): flag for p in command.params for flag in p.opts}
    pairs = [words[k + 1] for k, word in enumerate(words[:-1]) if word == "--set"]
    pairs += [word.removeprefix("--set=") for word in words if word.startswith("--set=")]
    for pair in pairs:
        key = pair.partition("=")[0].strip().rpartition(".")[2]
        flag = flags.get(_CALLED_HERE.get(key, key))
        if flag is not None and f"'{key}'" in sentence:
            return f" {flag} is an option of its own."
    return ""


def refuse_taken(what: str, keys: Collection[str], taken: Collection[str]) -> None:
    """Refuse keys of ``--set`` that say what the command says itself.

    Parameters
    ----------
    what
        Whose options may be told, such as ``"a format"``.
    keys
        What was told.
    taken
        Names that are no options of it.

    Raises
    ------
    OptionError
        If one of the keys is taken.

    Examples
    --------
    >>> refuse_taken("a format", ["to"], ["to", "force"])
    Traceback (most recent call last):
    precordia.core.errors.OptionError: 'to' is no option of a format; leave it out of --set.
    """
    for key in keys:
        if key in taken:
            raise OptionError(f"'{key}' is no option of {what}; leave it out of --set.")
