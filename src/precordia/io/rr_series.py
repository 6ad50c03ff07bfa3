# SPDX-License-Identifier: Apache-2.0
"""A series of RR intervals as a record without leads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from precordia.core.errors import FormatError, OptionError, UnitError
from precordia.core.record import Annotations, Carried, Record, Remark
from precordia.core.source import Source
from precordia.io.recognise import rr_column, text_of

_FS = 1000.0
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?")
_MS_PER_UNIT = {"ms": 1.0, "msec": 1.0, "milliseconds": 1.0, "s": 1e3, "sec": 1e3, "seconds": 1e3,
                "us": 1e-3}  # fmt: skip
_TITLE_UNIT = re.compile(
    r"[(\[_:\s](ms|msec|milliseconds?|s|sec|seconds?)[)\]\s\"]*$", re.IGNORECASE
)
#: where the median lies, intervals can be of one unit alone
_PLAIN = {"ms": (300.0, 2500.0), "s": (0.3, 2.5)}
#: no pause of a beating heart is longer
_LONGEST_MS = 600_000.0
#: share of its neighbourhood by which an interval may differ before it is remarked on
_ODD = 0.3
_MAX_TITLES = 50


def read_rr(path: Path, *, unit: str | None = None, fs: float | None = None) -> Record:
    r"""Read a text with one RR interval a line.

    A column of numbers can be anything, so it is read as RR intervals only where its title says so
    or ``format="rr"`` does. Beside a column with such a title there may be three others, such as
    the time of each beat.

    Parameters
    ----------
    path
        The file: one number a line, titles and comments above.
    unit
        ``"ms"`` or ``"s"``.
    fs
        Where the intervals count samples: their rate, Hz, instead of ``unit``.

    Returns
    -------
    A record without leads: its clock counts milliseconds, ``carried.annotations`` holds the beats.

    Raises
    ------
    FormatError
        If a line is no number, an interval is not above 0, or the numbers are beat times.
    UnitError
        If neither title nor size tell the unit.
    OptionError
        If an option makes no sense.

    Notes
    -----
    Without a stated unit, a median between 300 and 2500 is taken for milliseconds and one between
    0.3 and 2.5 for seconds, with a remark; anything else is asked for: intervals that count
    samples lie below. Beats are placed on whole milliseconds; the error does not add up.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp(), "a.txt")
    >>> _ = file.write_text("RR (s)\n0.8\n0.81\n")
    >>> read_rr(file).carried.annotations.sample
    array([   0,  800, 1610])
    """
    name = path.name
    if fs is not None and unit is not None:
        raise OptionError(
            f"both unit={unit!r} and fs={fs!r} arrived; each alone gives the scale. Leave one out."
        )
    if fs is not None and not (isinstance(fs, (int, float)) and 0 < fs < 1e7):
        raise OptionError(f"fs={fs!r} arrived; a rate in Hz above 0 is needed.")
    lines = [line.strip() for line in text_of(path.read_bytes()).splitlines()]
    table = rr_column([line for line in lines[:100] if line])
    if table is not None:
        rows = [line.split(table[0]) for line in lines if line]
        lines = [row[table[1]] if len(row) > table[1] else "?" for row in rows]
    lines = [line.rstrip(",;").strip('"') for line in lines if line and line[0] not in "#%"]
    first = next((k for k, line in enumerate(lines) if _NUMBER.fullmatch(line)), None)
    if first is None or first > _MAX_TITLES:
        raise FormatError(
            f"'{name}' holds no list of RR intervals; one number a line was needed. Check the file."
        )
    remarks: list[Remark] = []
    if fs is not None:
        ms_per_unit = 1e3 / fs
    elif unit is not None:
        ms_per_unit = _MS_PER_UNIT.get(unit.strip().lower(), 0.0)
        if not ms_per_unit:
            raise OptionError(f"unit={unit!r} arrived; RR intervals are in 'ms' or 's'.")
    else:
        ms_per_unit = _found_unit(lines[:first], lines[first:], name, remarks)
    return record_of_intervals(
        lines[first:], ms_per_unit=ms_per_unit, name=name, method="read:rr", remarks=remarks
    )


def _found_unit(
    titles: Sequence[str], lines: Sequence[str], name: str, remarks: list[Remark]
) -> float:
    for title in titles:
        told = _TITLE_UNIT.search(title)
        if told:
            return 1e3 if told.group(1).lower().startswith("s") else 1.0
    values = _numbers(lines[:10_000], name)
    median = float(np.median(values))
    for unit, (low, high) in _PLAIN.items():
        if low <= median <= high:
            remarks.append(
                Remark(
                    code="unit-assumed",
                    text=f"The file does not say the unit of its intervals; their median of "
                    f"{median:g} can only be {unit}.",
                )
            )
            return _MS_PER_UNIT[unit]
    raise UnitError(
        f"'{name}' does not say the unit of its intervals, and their median of {median:g} leaves "
        "it open. Give it with unit='ms' or unit='s'; where they count samples, give the rate of "
        "these with fs=."
    )


def _numbers(lines: Sequence[str], name: str) -> np.ndarray:
    try:
        values = np.array([line.replace(",", ".") for line in lines], np.float64)
    except ValueError:
        values = np.array([np.nan])
    if not values.size or not np.isfinite(values).all():
        raise FormatError(
            f"'{name}' holds something else than one number a line among its RR intervals. "
            "Correct the file, or read it as a table with format='csv'."
        )
    return values


def record_of_intervals(
    lines: Sequence[str],
    *,
    ms_per_unit: float,
    name: str,
    method: str,
    start_time: datetime | None = None,
    header: dict[str, str] | None = None,
    remarks: Sequence[Remark] = (),
) -> Record:
    """Turn RR intervals into a record of beats without a signal.

    Parameters
    ----------
    lines
        One interval each.
    ms_per_unit
        Milliseconds in one of their units.
    name
        Name of the file, for messages.
    method
        Of the source.
    start_time, header, remarks
        For the record.

    Raises
    ------
    FormatError
        If there is no interval, one is no number, not above 0 or longer than ten minutes.

    Examples
    --------
    >>> record_of_intervals(["800", "900"], ms_per_unit=1, name="a", method="read:rr").n_samples
    1701
    """
    if not lines:
        raise FormatError(f"'{name}' holds no RR interval. Copy or export the file again.")
    rr_ms = _numbers(lines, name) * ms_per_unit
    if rr_ms.size >= 10 and (np.diff(rr_ms) > 0).all():
        raise FormatError(
            f"'{name}' holds numbers that only rise: times of beats, not the intervals between "
            "them. Give the differences."
        )
    wrong = np.flatnonzero(~((rr_ms > 0) & (rr_ms <= _LONGEST_MS)))
    if wrong.size:
        raise FormatError(
            f"'{name}' holds an RR interval of {rr_ms[wrong[0]]:g} ms (number {wrong[0] + 1}); "
            "above 0 and up to ten minutes was needed. Check the unit, or correct the file."
        )
    beats = np.rint(np.concatenate([[0.0], np.cumsum(rr_ms)])).astype(np.int64)
    return Record(
        signal=np.empty((0, int(beats[-1]) + 1), np.float32),
        fs=_FS,
        leads=(),
        start_time=start_time,
        carried=Carried(
            annotations=Annotations(
                sample=beats, symbol=("N",) * beats.size, aux=("",) * beats.size
            ),
            header=header or {},
        ),
        remarks=(
            Remark(
                code="rr-series",
                text="The file holds the times of beats and no signal: only rates, RR intervals "
                "and their variability can be measured.",
            ),
            *remarks,
            *_odd_intervals(rr_ms),
        ),
        source=Source(method=method),
    )


def _odd_intervals(rr_ms: np.ndarray) -> tuple[Remark, ...]:
    """Remark on intervals unlike their neighbours: ectopic, missed or false beats."""
    if rr_ms.size < 5:
        return ()
    around = np.lib.stride_tricks.sliding_window_view(np.pad(rr_ms, 2, mode="edge"), 5)
    typical = np.median(around, axis=1)
    n_odd = int(np.count_nonzero(np.abs(rr_ms - typical) > _ODD * typical))
    if not n_odd:
        return ()
    return (
        Remark(
            code="rr-outliers",
            text=f"{n_odd} of {rr_ms.size} intervals differ by more than {100 * _ODD:.0f} % from "
            "those around them: ectopic, missed or false beats. The file does not tell which, so "
            "they count as normal and enlarge the variability.",
        ),
    )
