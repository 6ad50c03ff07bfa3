# SPDX-License-Identifier: Apache-2.0
"""Deprecation with a promise that a test keeps."""

from __future__ import annotations

import warnings

#: (name, since, removed in); a test fails once the package reaches the third entry
PROMISES: list[tuple[str, str, str]] = []


def deprecated(name: str, *, use: str, since: str, removed_in: str, stacklevel: int = 3) -> None:
    """Warn the caller that a name will go.

    Parameters
    ----------
    name, use
        What is deprecated, and what to use instead.
    since, removed_in
        Versions.
    stacklevel
        Frames between this call and the user's line.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as seen:
    ...     warnings.simplefilter("always")
    ...     deprecated("old()", use="new()", since="0.4", removed_in="99.0")
    >>> print(seen[0].message)
    old() is deprecated since 0.4 and goes in 99.0; use new().
    """
    if (name, since, removed_in) not in PROMISES:
        PROMISES.append((name, since, removed_in))
    warnings.warn(
        f"{name} is deprecated since {since} and goes in {removed_in}; use {use}.",
        FutureWarning,
        stacklevel=stacklevel,
    )
