# SPDX-License-Identifier: Apache-2.0
"""What a file of arrays says beside its signal: rate, unit, leads, age, sex, under many names."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from precordia.core.errors import SamplingRateError
from precordia.core.record import Patient

_RATE = frozenset((
    "fs", "sfreq", "srate", "samplingrate", "samplingfrequency", "samplerate", "samplefrequency",
    "samplingfreq", "samplefreq", "samplingratehz", "samplingfrequencyhz", "fshz", "fsecg",
    "ecgfs", "ecgsamplingrate",
))  # fmt: skip
_UNIT = frozenset(("unit", "units", "signalunit", "signalunits", "physicalunit", "ecgunit"))
_LEADS = frozenset((
    "leads", "lead", "leadnames", "leadname", "leadlabels", "channels", "channelnames",
    "channellabels", "labels", "signame", "signames", "signalnames", "columns", "header", "names",
))  # fmt: skip
_AXES = frozenset(("axes", "dims"))
_TIME = frozenset(("time", "times", "t", "timestamp", "timestamps", "tm"))
_AGE, _SEX = frozenset(("age", "ageyears")), frozenset(("sex", "gender"))
_INDEX = frozenset(("index", "idx"))


def folded(name: str) -> str:
    """Return a name as it is compared: its last part, without case, spaces and signs.

    Examples
    --------
    >>> folded("ECG.Sampling_Rate")
    'samplingrate'
    """
    return re.sub(r"[^a-z0-9]", "", re.split(r"[./]", name)[-1].lower())


def is_fact(name: str) -> bool:
    """Tell whether a variable of this name describes the signal and is none itself.

    Examples
    --------
    >>> is_fact("Fs"), is_fact("signal")
    (True, False)
    """
    short = folded(name)
    return any(short in known for known in (_RATE, _UNIT, _LEADS, _TIME, _AGE, _SEX, _INDEX))


def is_time(name: str) -> bool:
    """Tell whether a variable of this name holds times.

    Examples
    --------
    >>> is_time("time"), is_time("fs")
    (True, False)
    """
    return folded(name) in _TIME


class Facts:
    """What a file says, most trusted first.

    Parameters
    ----------
    sources
        Values by name, the nearest to the signal first.
    name
        Name of the file, for messages.
    """

    def __init__(self, sources: Sequence[Mapping[str, Any]], name: str) -> None:
        self._sources = [{folded(key): value for key, value in s.items()} for s in sources]
        self._name = name

    def _find(self, known: frozenset[str]) -> Any:
        for source in self._sources:
            for key, value in source.items():
                if key in known and value is not None:
                    return value
        return None

    def rate(self) -> float | None:
        """Return the sampling rate, Hz; None where the file does not say."""
        said = self._find(_RATE)
        if said is None:
            return None
        values = [_number(v) for v in (said if isinstance(said, (list, tuple)) else [said])]
        if not values or any(v != values[0] for v in values) or not 0 < values[0] <= 1e6:
            raise SamplingRateError(
                f"'{self._name}' gives {str(said)[:60]!r} as its sampling rate; one number of "
                "hertz above 0, and at most a million, is needed. Give it with fs=, such as fs=500."
            )
        return values[0]

    def unit(self) -> str | None:
        """Return the unit that all rows share; None where the file does not say."""
        said = _texts(self._find(_UNIT))
        return said[0] if said and len(set(said)) == 1 else None

    def leads(self) -> list[str]:
        """Return the names of the rows; empty where the file does not say."""
        said = _texts(self._find(_LEADS))
        return re.split(r"\s*[,;]\s*", said[0].strip()) if len(said) == 1 else said

    def axes(self) -> str | None:
        """Return what the dimensions are, in the words of this package; None where it is silent."""
        said = " ".join(_texts(self._find(_AXES)))
        words = re.split(r"[\s,]+", said.strip().lower())
        ok = {"record", "lead", "sample"}
        return " ".join(words) if said and set(words) <= ok and "sample" in words else None

    def patient(self) -> Patient:
        """Return age and sex, where the file says them."""
        age = _number(self._find(_AGE))
        sex = (_texts(self._find(_SEX)) or [""])[0].strip().lower()
        return Patient(
            age_years=age if 0 <= age < 130 else math.nan,
            sex={"f": "female", "m": "male", "female": "female", "male": "male"}.get(sex),  # type: ignore[arg-type]
        )


def _number(value: Any) -> float:
    if isinstance(value, (list, tuple)):
        value = value[0] if len(value) == 1 else None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, str) for v in value):
        return list(value)
    return []


def fact_of_array(array: np.ndarray) -> Any:
    """Return a small array as a number, a text, or a list of either; None where it is neither.

    Examples
    --------
    >>> fact_of_array(np.array([[500]])), fact_of_array(np.array(["I", "II"]))
    (500.0, ['I', 'II'])
    """
    if array.dtype.kind in "fiub" and 0 < array.size <= 4096:
        values = [float(v) for v in array.ravel()]
        return values[0] if len(values) == 1 else values
    if array.dtype.kind == "S" and array.size <= 4096:
        texts = [bytes(v).decode("utf-8", "replace") for v in array.ravel()]
    elif array.dtype.kind == "U" and array.size <= 4096:
        texts = _unicode(array)
    else:
        return None
    return texts[0] if array.ndim == 0 and texts else texts


def _unicode(array: np.ndarray) -> list[str]:
    """Return the texts of an array; code points that are none become the replacement sign."""
    width = array.dtype.itemsize
    if not width:
        return [""] * array.size
    codec = "utf-32-be" if array.dtype.str[0] == ">" else "utf-32-le"
    raw = np.ascontiguousarray(array).tobytes()
    return [
        raw[at : at + width].decode(codec, "replace").rstrip("\0")
        for at in range(0, len(raw), width)
    ]
