# SPDX-License-Identifier: Apache-2.0
"""SampledData of FHIR: samples spelled out in one string, with origin, factor and period."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, SamplingRateError
from precordia.io.fhir_resource import Node, node_at, number_at, raw_text, text_at
from precordia.io.hl7_aecg_sequences import rate_of
from precordia.io.number_list import parse_integers
from precordia.io.units import millivolts

#: how many of a unit of time are a second
_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9, "min": 1 / 60, "h": 1 / 3600}
_PER_SECOND |= {"sec": 1.0, "msec": 1e3, "\u00b5s": 1e6, "\u03bcs": 1e6}
#: units of a rate in hertz
_HERTZ = {"hz": 1.0, "khz": 1e3, "/s": 1.0, "1/s": 1.0, "s-1": 1.0, "/min": 1 / 60}
#: beyond these a rate is a mistake
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1e-5, 1e7
_MOST_DIMENSIONS = 256
#: a string is turned into numbers in pieces, which bounds the memory
_PIECE, _LONGEST_NUMBER = 1 << 20, 400
_SPACE = re.compile(r"\s")
_POWER = re.compile(r"(\d*\.?\d+)?\s*\*?\s*10[*^](-?\d{1,2})[.*\s]*(V)", re.IGNORECASE)
_WHOLE, _ANY = b"0123456789- \t\r\n", b"0123456789- \t\r\n+.eEUL"


@dataclass(frozen=True, slots=True)
class Samples:
    """Numbers of one SampledData as the file has them, and how they become amplitudes.

    Attributes
    ----------
    data
        (dimension, sample); NaN where there is none.
    origin, factor, unit
        Amplitude is ``origin + data * factor`` in ``unit``, which is empty where it is unknown.
    fs
        Sampling rate, Hz; NaN where the file does not tell it.
    n_above, n_below
        How many samples were beyond the limits of the device.
    """

    data: Float[np.ndarray, "dimension sample"]
    origin: float
    factor: float
    unit: str
    fs: float
    n_above: int
    n_below: int


def read_samples(node: Node, *, name: str, what: str) -> Samples:
    """Read one SampledData.

    Parameters
    ----------
    node
        The SampledData, of release 4 (``period``) or 5 (``interval`` with ``intervalUnit``).
    name, what
        The file and what is sampled, for the error sentences.

    Raises
    ------
    FormatError
        If something else than numbers, E, U and L stands among the samples, or the numbers that
        describe them make no sense.
    SamplingRateError
        If the samples are not evenly spaced.

    Examples
    --------
    >>> told = {"origin": {"value": "0", "code": "uV"}, "period": "2", "data": "1 E -2"}
    >>> read_samples(told, name="a.json", what="lead II").data
    array([[ 1., nan, -2.]])
    """
    if raw_text(node, "offsets"):
        raise SamplingRateError(
            f"{what} of '{name}' is sampled at offsets that the file lists; evenly spaced samples "
            "were needed. Export it with an interval."
        )
    factor, origin = number_at(node, "factor"), number_at(node, "origin", "value")
    stated = raw_text(node, "factor").strip()
    if (stated and math.isnan(factor)) or factor == 0:
        raise FormatError(
            f"{what} of '{name}' has a factor that is 0 or no number. The file is damaged: export "
            "it again."
        )
    data, n_above, n_below = _numbers(raw_text(node, "data"), name, what)
    dimensions = number_at(node, "dimensions")
    n_dimensions = 1 if math.isnan(dimensions) else dimensions
    if (
        n_dimensions != int(n_dimensions)
        or not 1 <= n_dimensions <= _MOST_DIMENSIONS
        or data.size % int(n_dimensions)
    ):
        raise FormatError(
            f"{what} of '{name}' has {data.size:,} samples in {n_dimensions:g} dimensions, which "
            "does not divide. The file is cut or damaged: export it again."
        )
    return Samples(
        data=data.reshape(-1, int(n_dimensions)).T,
        origin=0.0 if math.isnan(origin) else origin,
        factor=1.0 if math.isnan(factor) else factor,
        unit=unit_of(node_at(node, "origin")),
        fs=_rate(node),
        n_above=n_above,
        n_below=n_below,
    )


def unit_of(quantity: Node) -> str:
    """Return the unit of a Quantity: its code, else its words; a voltage before anything else.

    Examples
    --------
    >>> unit_of({"code": "uV", "unit": "microvolt"}), unit_of({"unit": "mV"})
    ('uV', 'mV')
    """
    told = [text_at(quantity, "code"), text_at(quantity, "unit")]
    return next((u for u in told if volts_of(u) is not None), told[0] or told[1])


def volts_of(unit: str) -> float | None:
    """Return what one of a unit is in millivolts, powers of ten of UCUM included.

    Examples
    --------
    >>> volts_of("uV"), volts_of("10*-6.V"), volts_of("mmHg")
    (0.001, 0.001, None)
    """
    power = _POWER.fullmatch(unit)
    if power is None:
        return millivolts(unit) if unit else None
    value = float(power.group(1) or 1) * 10.0 ** (int(power.group(2)) + 3)
    return float(f"{value:.12g}") or None


def _rate(node: Node) -> float:
    """Return the sampling rate; NaN where it is not told or makes no sense."""
    unit = text_at(node, "intervalUnit").strip()
    interval = number_at(node, "interval")
    if math.isnan(interval):
        interval, unit = number_at(node, "period"), unit or "ms"
    if not interval > 0:
        return math.nan
    if unit.lower() in _HERTZ:
        fs = interval * _HERTZ[unit.lower()]
    elif unit.lower() in _PER_SECOND:
        step_s = interval / _PER_SECOND[unit.lower()]
        fs = rate_of(step_s) if step_s * HIGHEST_RATE_HZ > 1 else math.nan
    else:
        return math.nan
    return fs if LOWEST_RATE_HZ < fs < HIGHEST_RATE_HZ else math.nan


def _numbers(text: str, name: str, what: str) -> tuple[Float[np.ndarray, " sample"], int, int]:
    """Return the numbers of a string, and how many were above and below the limits."""
    parts, n_above, n_below = [], 0, 0
    strange = False
    try:
        for piece in _pieces(text):
            if len(piece) > _PIECE + _LONGEST_NUMBER:
                strange = True
                break
            characters = piece.encode("ascii", "replace")
            if (whole := _whole_numbers(characters, piece, name, what)) is not None:
                parts.append(whole)
                continue
            strange = strange or bool(characters.translate(None, _ANY))
            tokens = piece.split()
            n_above += tokens.count("U")
            n_below += tokens.count("L")
            tokens = ["nan" if token in ("E", "U", "L") else token for token in tokens]
            parts.append(np.array([float(token) for token in tokens], np.float64))
    except ValueError:
        strange = True
    data = np.concatenate(parts) if parts else np.empty(0)
    if strange or np.isinf(data).any():
        raise FormatError(
            f"'{name}' holds something else than numbers, E, U and L among the samples of {what}. "
            "The file is damaged: copy or export it again."
        )
    return data, n_above, n_below


def _whole_numbers(
    characters: bytes, piece: str, name: str, what: str
) -> Float[np.ndarray, " sample"] | None:
    """Return the numbers of a piece where all are whole, the usual case, which is faster."""
    signs = characters.count(b" -") + characters.startswith(b"-")
    if characters.translate(None, _WHOLE) or characters.count(b"-") != signs:
        return None
    try:
        return parse_integers(piece, name=name, what=what).astype(np.float64)
    except FormatError:  # they may be larger than integers are: the other way tells
        return None


def _pieces(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        end = min(at + _PIECE, len(text))
        space = _SPACE.search(text, end)
        end = len(text) if space is None else space.start()
        yield text[at:end]
        at = end
