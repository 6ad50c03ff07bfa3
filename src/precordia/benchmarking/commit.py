# SPDX-License-Identifier: Apache-2.0
"""Which state of the source tree is running, where it is a checkout."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path


@cache
def source_commit() -> str:
    """Return the short name of the commit, with a plus where sources differ; empty if unknown.

    Examples
    --------
    >>> isinstance(source_commit(), str)
    True
    """
    here = Path(__file__).resolve().parent
    if not any((folder / ".git").exists() for folder in here.parents):
        return ""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(here), *arguments], capture_output=True, text=True, timeout=10
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        name = git("rev-parse", "--short", "HEAD")
        return f"{name}+" if name and git("status", "--porcelain", "--", ".") else name
    except (OSError, subprocess.SubprocessError):
        return ""
