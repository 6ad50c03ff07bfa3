# SPDX-License-Identifier: Apache-2.0
"""Places, read once from the environment. Behaviour is never configured here."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path

from precordia.core.errors import OptionError

PREFIX = "PRECORDIA_"
#: what each variable is for; PRECORDIA_DATA names the recordings that tests and benchmarks use
VARIABLES = {
    "PRECORDIA_CACHE": "folder for downloaded and computed files",
    "PRECORDIA_MODELS": "folder of converted weights of published encoders",
    "PRECORDIA_OFFLINE": "1 to refuse every network access",
    "PRECORDIA_REMOTE": "1 to allow asking language models on other machines",
    "PRECORDIA_API_KEY": "key of the language model's endpoint; never written anywhere",
    "PRECORDIA_DEVICE": "device for models that use torch: cpu, cuda or cuda:1",
    "PRECORDIA_DATA": "folder of recordings for tests and benchmarks",
    "PRECORDIA_PARITY": "folder of fixtures of published models for tests",
    "PRECORDIA_FOLDS": "folds that an external check should use",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where things are on this machine."""

    cache: Path
    models: Path
    offline: bool
    device: str
    data: Path | None
    remote: bool = False


@functools.cache
def settings() -> Settings:
    """Return the settings of this process.

    Raises
    ------
    OptionError
        If a ``PRECORDIA_`` variable is set that does not exist.

    Examples
    --------
    >>> settings().offline in (True, False)
    True
    """
    unknown = sorted(k for k in os.environ if k.startswith(PREFIX) and k not in VARIABLES)
    if unknown:
        raise OptionError(
            f"the environment sets {', '.join(unknown)}, which precordia does not know. "
            f"Known: {', '.join(VARIABLES)}."
        )
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    data = os.environ.get("PRECORDIA_DATA")
    cache = Path(os.environ.get("PRECORDIA_CACHE") or Path(home) / "precordia")
    return Settings(
        cache=cache,
        models=Path(os.environ.get("PRECORDIA_MODELS") or cache / "models"),
        offline=os.environ.get("PRECORDIA_OFFLINE", "") not in ("", "0"),
        device=os.environ.get("PRECORDIA_DEVICE") or "auto",
        data=Path(data) if data else None,
        remote=os.environ.get("PRECORDIA_REMOTE", "") not in ("", "0"),
    )
