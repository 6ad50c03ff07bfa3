# SPDX-License-Identifier: Apache-2.0
"""What all recordings of a store have in common, and what may be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from precordia.core.errors import OptionError, unknown_name
from precordia.core.leads import canonical_lead
from precordia.core.value import Value

#: what packs the pages: name in Parquet and level
CODECS = {"zstd": ("zstd", 1), "lz4": ("lz4", None)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings(Value):
    """What all recordings of a store have in common.

    Attributes
    ----------
    fs
        Sampling rate that all were brought to, Hz; 0 where each kept its own.
    leads
        Leads that were kept, in this order; empty where each recording kept its own.
    seconds
        Length of the pieces that recordings were cut into; 0 where they were not.
    codec
        What packs the signal: zstd or lz4.
    pseudonyms
        What tells the key of the pseudonyms apart; empty where names stayed.
    """

    fs: float = 0.0
    leads: tuple[str, ...] = ()
    seconds: float = 0.0
    codec: str = "zstd"
    pseudonyms: str = ""


def check_settings(
    *,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    seconds: float | None = None,
    codec: str | None = None,
) -> dict[str, Any]:
    """Check the settings that were given, and return those.

    Raises
    ------
    OptionError, UnknownNameError
        If one makes no sense.

    Examples
    --------
    >>> check_settings(fs=100, leads=["I", "II"])
    {'fs': 100.0, 'leads': ('I', 'II')}
    """
    said: dict[str, Any] = {}
    for name, value, most in (("fs", fs, 1e5), ("seconds", seconds, 1e6)):
        if value is None:
            continue
        if not 0 < value < most:
            raise OptionError(f"{name} is {value}; a number between 0 and {most:g} is needed.")
        said[name] = float(value)
    if leads is not None:
        if isinstance(leads, str) or not leads or len(set(leads)) != len(leads):
            raise OptionError(
                f"leads are {leads!r}; names that differ are needed, such as ('I', 'II', 'V2')."
            )
        for lead in leads:
            if canonical_lead(lead) not in (None, lead):
                raise OptionError(
                    f"there is no lead '{lead}'. Did you mean '{canonical_lead(lead)}'?"
                )
        said["leads"] = tuple(leads)
    if codec is not None:
        if codec not in CODECS:
            raise unknown_name("codec", codec, CODECS, listing=", ".join(CODECS))
        said["codec"] = codec
    return said


def check_same(held: StoreSettings, wanted: dict[str, Any]) -> None:
    """Refuse settings that differ from those of a store.

    Raises
    ------
    OptionError
        If one differs.
    """
    for name, value in wanted.items():
        if name == "pseudonyms" and held.pseudonyms != value:
            kept = (
                "pseudonyms of another key" if held.pseudonyms else "patients under their own keys"
            )
            raise OptionError(
                f"the store holds {kept}, and one store holds one kind of names. Use the same key "
                "as before (pseudonym=, --key), build another store, or begin anew "
                "(overwrite=True, --force)."
            )
        if getattr(held, name) != value:
            there, asked = (_spelled(x) for x in (getattr(held, name), value))
            raise OptionError(
                f"the store was built with {name} {there}, and {asked} was asked for; one store "
                f"has one. Leave {name} out, build another store, or begin anew (overwrite=True, "
                "--force)."
            )


def _spelled(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}" if value else "as recorded"
    if isinstance(value, tuple):
        return ", ".join(value) or "as recorded"
    return str(value)
