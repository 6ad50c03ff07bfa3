# SPDX-License-Identifier: Apache-2.0
"""How a table of text is laid out: delimiter, decimal sign, header, remarks above the numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from precordia.core.errors import FormatError
from precordia.io.units import millivolts

_NUMBER = r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?"
_CELL = re.compile(rf"{_NUMBER}|[-+]?inf(?:inity)?|nan|na|n/a|null|none|[-?*]|", re.IGNORECASE)
_CLOCK = re.compile(
    r"\[?(?:\d{4}-\d\d-\d\d[T ])?(?:\d+:)?\d{1,2}:\d{1,2}(?:[.,]\d+)?"
    r"(?:Z|[+-]\d\d:?\d\d)?\]?"
)
#: lines above the numbers that are looked at
_HEADER_LINES = 500
#: columns of a table at most: with names, and without these or with fewer rows
_MOST_COLUMNS, _MOST_UNNAMED = 256, 64
_META = re.compile(r"\s*([A-Za-z][\w ()/.%-]*?)\s*(?::=|[:=,;\t])\s*(.*?)\s*$")
_NAME_AND_UNIT = re.compile(
    r"^(.*?)\s*(?:\(([^()]*)\)|\[([^\[\]]*)\]|[_/ ]([munp]?[vV]|[µ\u03bc]V|m?s|sec|seconds))$"
)


@dataclass(slots=True)
class CsvLayout:
    """Where the numbers are and what the text above them says.

    Attributes
    ----------
    text
        The numbers, from their first line on.
    delimiter
        Between cells; None for any white space, an empty string for one number a line.
    decimal
        ``"."`` or ``","``.
    n_columns
        Cells in the first line of numbers.
    names, units
        One per column; empty where there is no header.
    meta
        Remarks above the numbers, keys in lower case.
    first_is_clock
        Whether the first column holds times such as ``0:01.250``.
    first_line
        Number of the first line of numbers, from 1.
    """

    text: str
    delimiter: str | None
    decimal: str
    n_columns: int
    names: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    first_is_clock: bool = False
    first_line: int = 1


def find_layout(content: bytes, *, name: str, delimiter: str | None = None) -> CsvLayout:
    r"""Find out how a table is laid out.

    Parameters
    ----------
    content
        The file.
    name
        Name of the file, for messages.
    delimiter
        The delimiter, where the user names it.

    Returns
    -------
    The layout.

    Raises
    ------
    FormatError
        If there are no numbers, one comma a line may be a delimiter or a decimal sign, or the
        columns are too many to be leads.

    Examples
    --------
    >>> find_layout(b"time (s);I (mV)\n0,000;0,12\n0,002;0,13\n", name="a.csv").decimal
    ','
    """
    text = _decoded(content)
    lines = text.split("\n", _HEADER_LINES)
    above: list[str] = []
    start = 0
    for line in lines[:_HEADER_LINES]:
        if _is_data(line, delimiter):
            break
        above.append(line)
        start += len(line) + 1
    else:
        raise FormatError(
            f"'{name}' holds no table of numbers in its first {len(above)} lines. A column per "
            "lead and a row per sample was needed; check the file, or name its format with format=."
        )
    sample = [line for line in text[start : start + 20_000].split("\n")[:40] if line.strip()]
    comments, rows = _split_above(above)
    meta = _meta(comments)
    if _is_one_lead_a_file(rows):
        # One lead a file, a value a line, behind lines of key and value: consumer devices.
        meta |= _meta(rows)
        comma = any("," in line for line in sample)
        names, units = [meta.get("lead", "")], [meta.get("unit", "")]
        return CsvLayout(
            text[start:], "", "," if comma else ".", 1, names, units, meta, False, len(above) + 1
        )
    cut = delimiter if delimiter is not None else _delimiter(sample, rows, name)
    firsts = [split_cells(line, cut) for line in sample[:2]]
    headed = any(len(split_cells(row, cut)) == len(firsts[0]) for row in rows)
    if len(firsts) == 2 and not headed and _counts_columns(*firsts):
        above.append(sample[0])
        rows.append(re.sub(r"\d+", "", sample[0]))
        start = text.index(sample[0], start) + len(sample[0]) + 1
        del sample[0]
    end = text.find("\n", start)
    cells = split_cells(text[start : end if end >= 0 else len(text)], cut)
    decimal = "," if cut != "," and any("," in line for line in sample) else "."
    layout = CsvLayout(
        text[start:], cut, decimal, len(cells), meta=meta, first_line=len(above) + 1,
        first_is_clock=_CLOCK.fullmatch(cells[0]) is not None,
    )  # fmt: skip
    _name_columns(layout, rows, cut)
    _check_columns(layout, name)
    return layout


def _check_columns(layout: CsvLayout, name: str) -> None:
    """Refuse more columns than a recorder has channels: rows that are leads, or single beats."""
    most = _MOST_COLUMNS if layout.names else _MOST_UNNAMED
    if layout.n_columns > max(_MOST_UNNAMED, min(most, layout.text.count("\n") + 1)):
        raise FormatError(
            f"'{name}' has {layout.n_columns:,} columns; a column per lead and a row per sample "
            "was needed. If its rows are leads, transpose the table; if they are beats, it holds "
            "no recording."
        )


def _decoded(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def split_cells(line: str, delimiter: str | None) -> list[str]:
    r"""Return the cells of a line without quotes and spaces.

    Examples
    --------
    >>> split_cells("'I', \"II\"", ",")
    ['I', 'II']
    """
    if delimiter == "":
        return [line.strip().strip("\"'")]
    if delimiter is None:
        return [cell.strip("\"'") for cell in line.split()]
    return [cell.strip().strip("\"'").strip() for cell in line.split(delimiter)]


def _is_data(line: str, delimiter: str | None) -> bool:
    """Tell whether a line is a row of numbers (the first may be a time), not all of them empty."""
    if not line.strip() or line.lstrip()[0] in "#%":
        return False
    plain = line.replace('"', "").replace("'", "")
    pattern = re.escape(delimiter) if delimiter else r"[;,\t| ]"
    cells = [cell.strip() for cell in re.split(pattern, plain)]
    numbers = [
        bool(re.fullmatch(_NUMBER, cell) or _CLOCK.fullmatch(cell) or _is_day(cell, k))
        for k, cell in enumerate(cells)
    ]
    if not any(numbers):
        return False
    if all(number or _CELL.fullmatch(cell) for number, cell in zip(numbers, cells, strict=True)):
        return True
    # A column of labels may stand beside the numbers.
    return sum(numbers) >= 2 and 2 * sum(numbers) >= len(cells) and any(numbers[:2])


def _is_day(cell: str, k: int) -> bool:
    return k == 0 and re.fullmatch(r"\d{4}-\d\d-\d\d", cell) is not None


def _counts_columns(cells: list[str], next_cells: list[str]) -> bool:
    """Tell whether a row is no sample but the numbers of the columns, as data frames write them."""
    blank = bool(cells) and cells[0] == ""
    counted = cells[1:] if blank else cells
    if len(cells) != len(next_cells) or not (counted and counted[0] in ("0", "1")):
        return False
    first = int(counted[0])
    if counted != [str(first + k) for k in range(len(counted))]:
        return False
    if blank:
        return next_cells[0] != ""
    # Few whole numbers may be a sample; not where the next are written with decimals.
    return len(cells) > 2 and (len(cells) > 7 or any("." in cell for cell in next_cells))


def _split_above(above: list[str]) -> tuple[list[str], list[str]]:
    """Return comments without their sign, and the other lines that hold something."""
    comments, rows = [], []
    for line in above:
        if line.lstrip()[:1] in ("#", "%"):
            comments.append(line.lstrip().lstrip("#% "))
        elif line.strip(" ,;\t"):
            rows.append(line)
    return comments, rows


def _meta(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        plain = line[:1000] if "{" in line else line[:1000].replace('"', "")
        entry = _META.match(plain)
        if entry:
            found.setdefault(entry.group(1).strip().lower(), entry.group(2).strip(" ,;"))
    return found


def _is_one_lead_a_file(rows: list[str]) -> bool:
    keys = [row.replace('"', "").split(",")[0].strip().lower() for row in rows]
    return "lead" in keys and any(key.startswith("sample rate") for key in keys)


def _delimiter(sample: list[str], rows: list[str], name: str) -> str | None:
    """Return the delimiter: one that is in every line, as often in each."""
    for sign in ("\t", ";", "|"):
        counts = {line.count(sign) for line in sample}
        if 0 not in counts and len(counts) == 1:
            return sign
    counts = [line.count(",") for line in sample]
    headed = rows[-1].count(",") if rows else None
    if min(counts) == 0 and not (headed and headed in counts):
        spaced = [len(line.split()) for line in sample]
        return None if max(spaced) > 1 else ""
    spaced = [len(line.split()) for line in sample]
    if min(spaced) > 1 and all(
        re.fullmatch(_NUMBER, cell) for line in sample for cell in line.split()
    ):
        return None  # decimal commas between spaces
    whole = all(re.fullmatch(r"\s*[-+]?\d+,\d+\s*", line) for line in sample)
    if whole and headed != 1:
        if headed == 0:
            return ""
        raise FormatError(
            f"'{name}' has one comma in every line, which may part two columns or be a decimal "
            "sign. Say which: delimiter=',' for columns, delimiter='' for one number a line."
        )
    return ","


def _name_columns(layout: CsvLayout, rows: list[str], cut: str | None) -> None:
    """Find names and units among the rows above the numbers."""
    if _name_labchart_columns(layout, rows):
        return
    tables = [split_cells(row, cut) for row in rows]
    if cut is None:  # names of two words stand further apart than their words
        apart = [re.split(r"\s{2,}", row.strip()) for row in rows]
        tables = [
            wide if len(wide) == layout.n_columns else cells
            for wide, cells in zip(apart, tables, strict=True)
        ]
    fitting = [cells for cells in tables if len(cells) == layout.n_columns]
    label = layout.meta.get("labels", layout.meta.get("label", ""))
    if not fitting and label:
        parted = [split_cells(label, sign) for sign in ("\t", ",", None)]
        fitting = [cells for cells in parted if len(cells) == layout.n_columns][:1]
    for row, cells in zip(rows, tables, strict=True):
        if len(cells) == 2 and not any(cells is other for other in fitting[-2:]):
            layout.meta |= {k: v for k, v in _meta([row]).items() if k not in layout.meta}
    if not fitting:
        return
    last = fitting[-1]
    if len(fitting) > 1 and all(_is_unit(cell) for cell in last):
        layout.names, layout.units = fitting[-2], [cell.strip("()[]") for cell in last]
        return
    for cell in last:
        parted = _NAME_AND_UNIT.match(cell)
        unit = next((g for g in parted.groups()[1:] if g is not None), "") if parted else ""
        is_lead_unit = bool(parted) and (millivolts(unit) is not None or _is_unit(unit))
        layout.names.append(parted.group(1) if parted and is_lead_unit else cell)
        layout.units.append(unit if is_lead_unit else "")


def _name_labchart_columns(layout: CsvLayout, rows: list[str]) -> bool:
    """Find names, units and rate where LabChart wrote them: a key, and a cell for every channel."""
    held = {
        key.strip().lower(): [cell.strip() for cell in cells.split("\t")[1:]]
        for key, sign, cells in (row.partition("=") for row in rows)
        if sign
    }
    titles = held.get("channeltitle", [])
    if not titles or layout.n_columns not in (len(titles), len(titles) + 1):
        return False
    units = held.get("unitname") or [cell.rpartition(" ")[2] for cell in held.get("range", [])]
    units += [""] * (len(titles) - len(units))
    timed = layout.n_columns > len(titles)
    layout.names = ["time"] * timed + titles
    layout.units = ["s"] * timed + units[: len(titles)]
    interval = re.fullmatch(rf"({_NUMBER})\s*s", " ".join(held.get("interval", [])))
    if interval and float(interval[1].replace(",", ".")) > 0:
        layout.meta["sampling rate"] = f"{1 / float(interval[1].replace(',', '.')):.10g}"
    return True


def _is_unit(text: str) -> bool:
    known = ("s", "sec", "seconds", "ms", "us", "\u00b5s", "min", "hh:mm:ss.mmm", "mmhg", "bpm",
             "nd", "nu", "%")  # fmt: skip
    plain = text.strip().strip("()[]")
    return millivolts(plain) is not None or plain.lower() in known
