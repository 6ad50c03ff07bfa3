# SPDX-License-Identifier: Apache-2.0
"""Read the RR intervals of a Polar exercise file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from precordia.core.errors import FormatError
from precordia.core.record import Record
from precordia.io.recognise import is_polar_hrm, text_of
from precordia.io.rr_series import record_of_intervals

#: what stands for the recording interval where beats were timed one by one
_RR_INTERVAL = "238"
_TEXTS = {"Version": "file_version", "Monitor": "device_model"}


def read_polar_hrm(path: Path) -> Record:
    """Read the RR intervals of a Polar exercise file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    A record without leads: its clock counts milliseconds, ``carried.annotations`` holds the beats.

    Raises
    ------
    FormatError
        If the file holds no RR intervals: most exercises were recorded as a heart rate every few
        seconds.

    Notes
    -----
    ``Interval=238`` in the section ``[Params]`` says that the lines of ``[HRData]`` are RR
    intervals in milliseconds.

    References
    ----------
    Polar Electro. Polar HRM file format description, version 1.4 (2009).
    """
    name = path.name
    content = path.read_bytes()
    if not is_polar_hrm(content[:4096]):
        raise FormatError(
            f"'{name}' is no exercise file of Polar: it does not begin with [Params]. Read it "
            "without format=, so that its content decides."
        )
    sections = _sections(text_of(content))
    params = dict(line.split("=", 1) for line in sections.get("params", []) if "=" in line)
    interval = params.get("Interval", "").strip()
    if interval != _RR_INTERVAL:
        every = f"a heart rate every {interval} s" if interval else "heart rates"
        raise FormatError(
            f"'{name}' holds {every}, no RR intervals. Record the exercise with the R-R option, or "
            "export the RR intervals."
        )
    return record_of_intervals(
        sections.get("hrdata", []),
        ms_per_unit=1.0,
        name=name,
        method="read:polar-hrm",
        start_time=_start_time(params),
        header={
            "manufacturer": "Polar",
            **{key: params[entry].strip() for entry, key in _TEXTS.items() if params.get(entry)},
        },
    )


def _sections(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        plain = line.strip()
        if plain.startswith("[") and plain.endswith("]"):
            lines = found.setdefault(plain[1:-1].lower(), [])
        elif plain:
            lines.append(plain)
    return found


def _start_time(params: dict[str, str]) -> datetime | None:
    text = f"{params.get('Date', '').strip()} {params.get('StartTime', '').strip()}"
    for form in ("%Y%m%d %H:%M:%S.%f", "%Y%m%d %H:%M:%S"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None
