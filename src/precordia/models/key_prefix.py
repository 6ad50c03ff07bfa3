# SPDX-License-Identifier: Apache-2.0
"""Beginnings of keys: what a program puts before them, and other names for the same parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def prefix_before(keys: Iterable[str], ending: str, *, not_in: str = "") -> str:
    """Return what stands before the first key with an ending; nothing where there is none.

    Parameters
    ----------
    keys
        Keys of weights.
    ending
        End of a key that every file of the network has.
    not_in
        Keys with this word before the ending are passed over, such as those of a teacher.

    Examples
    --------
    >>> prefix_before(["head.bias", "model.net.conv.weight"], "conv.weight")
    'model.net.'
    """
    for key in keys:
        before = key.removesuffix(ending)
        whole = not before or before.endswith(".")
        if key.endswith(ending) and whole and not (not_in and not_in in before):
            return before
    return ""


def with_our_beginning(key: str, parts: Mapping[str, str]) -> str:
    """Return a key with our name of the part that it begins with; others as they are.

    Parameters
    ----------
    key
        Name of a weight in the authors' code.
    parts
        Our beginning for each of theirs; the first that fits is taken.

    Examples
    --------
    >>> with_our_beginning("conv1.weight", {"conv1.": "stem.0."})
    'stem.0.weight'
    """
    for theirs, ours in parts.items():
        if key.startswith(theirs):
            return ours + key.removeprefix(theirs)
    return key
