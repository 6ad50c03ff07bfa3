# SPDX-License-Identifier: Apache-2.0
"""What a program puts before the keys of a network: the name of whatever held it."""

from __future__ import annotations

from collections.abc import Iterable


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
