# SPDX-License-Identifier: Apache-2.0
"""The leads of an SCP-ECG file, and their samples as sections 5 and 6 store them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from precordia.core.errors import FormatError, LeadError
from precordia.core.record import Remark
from precordia.io.lead_names import SCP_LEADS
from precordia.io.scp_ecg_huffman import Code, decode_rows
from precordia.io.scp_ecg_sections import Section, Sections

_OTHER_LEADS = {
    19: "CC5", 20: "CM5", 86: "chest", 87: "V", 91: "MCL", 92: "MCL1", 93: "MCL2", 94: "MCL3",
    95: "MCL4", 96: "MCL5", 97: "MCL6", 98: "CC", 99: "CC1", 100: "CC2", 101: "CC3", 102: "CC4",
    103: "CC6", 104: "CC7", 105: "CM", 106: "CM1", 107: "CM2", 108: "CM3", 109: "CM4", 110: "CM6",
    121: "CM7", 122: "CH5", 123: "CS5", 124: "CB5", 125: "CR5", 131: "ES", 132: "AS", 133: "AI",
}  # fmt: skip
#: leads that the device computed from others
_DERIVED_LEADS = {
    31: "I", 32: "II", 33: "V1", 34: "V2", 35: "V3", 36: "V4", 37: "V5", 38: "V6", 39: "V7",
    46: "X", 47: "Y", 48: "Z", 111: "III", 112: "aVR", 113: "aVL", 114: "aVF",
}  # fmt: skip
#: bits that fill up the last two bytes of a lead decode as this many samples at most
FILLING_BITS = 16


class Lead(NamedTuple):
    """A lead of section 3: its name, and the numbers of its first and last sample."""

    name: str
    start: int
    end: int


class Encoded(NamedTuple):
    """Section 5 or 6 with its differences undone; ``rows`` in steps of ``step_nv``."""

    step_nv: int
    interval_us: int
    bimodal: bool
    rows: list[Int[np.ndarray, " _"]]


def read_layout(sections: Sections, name: str) -> list[Lead]:
    """Read section 3: the leads and their bounds.

    Raises
    ------
    FormatError
        If the section is missing or incomplete.
    LeadError
        If there is no lead.
    """
    section = sections.get(3, 2)
    if section is None:
        raise FormatError(
            f"'{name}' does not say which leads it holds (section 3). Copy or export it again."
        )
    count = min(section.u8(0), (len(section.body) - 2) // 9)
    if count < section.u8(0):
        raise FormatError(
            f"'{name}' describes {count} of its {section.u8(0)} leads. Copy or export it again."
        )
    if count == 0:
        raise LeadError(f"'{name}' holds no lead. Export the recording with its samples.")
    leads = []
    unnamed, derived = [], []
    for k, at in enumerate(range(2, 2 + 9 * count, 9), 1):
        code = section.u8(at + 8)
        spelled = SCP_LEADS.get(code) or _OTHER_LEADS.get(code)
        if spelled is None and code in _DERIVED_LEADS:
            spelled = _DERIVED_LEADS[code]
            derived.append(spelled)
        if spelled is None:
            spelled = f"lead {k}"
            unnamed.append(spelled)
        leads.append(Lead(spelled, section.u32(at), section.u32(at + 4)))
    if unnamed:
        sections.remarks.append(
            Remark(
                code="leads-unnamed",
                text="The file does not name all leads; these were numbered: "
                + ", ".join(unnamed)
                + ".",
                leads=tuple(unnamed),
            )
        )
    if derived:
        sections.remarks.append(
            Remark(
                code="leads-derived",
                text="The file says that its device computed these leads from others: "
                + ", ".join(derived)
                + ".",
                leads=tuple(derived),
            )
        )
    return leads


def declared(lead: Lead) -> int | None:
    """Return how many samples a lead has at most; None where its bounds make no sense.

    Examples
    --------
    >>> declared(Lead("I", 1, 5000)), declared(Lead("I", 0, 0))
    (5000, None)
    """
    return lead.end - lead.start + 1 if lead.end >= max(lead.start, 1) else None


def decode_leads(
    section: Section,
    layout: list[Lead],
    tables: list[tuple[Code, ...]],
    counts: list[int | None],
    name: str,
) -> Encoded:
    """Decode the samples of section 5 or 6.

    Parameters
    ----------
    section
        The section.
    layout
        Its leads.
    tables
        Huffman tables; none where the samples are not compressed.
    counts
        How many samples each lead has at most; None where that is unknown.
    name
        What to call the file in errors.

    Raises
    ------
    FormatError
        If the section is incomplete, or its differences are of an unknown order.
    """
    n_leads = len(layout)
    begin = 6 + 2 * n_leads
    if len(section.body) < begin:
        raise FormatError(
            f"'{name}' has a section {section.number} of {len(section.body)} bytes, too few for "
            f"its {n_leads} leads. Copy or export it again."
        )
    lengths = [section.u16(6 + 2 * k) for k in range(n_leads)]
    if not tables:
        lengths = _raw_lengths(lengths, counts, len(section.body) - begin)
    rows = []
    at = begin
    for length in lengths:
        rows.append(section.body[at : at + length])
        at += length
    order, bimodal = section.u8(4), section.number == 6 and section.u8(5) == 1
    if order > 2:
        raise FormatError(
            f"'{name}' stores differences of order {order}; 0, 1 or 2 was needed. Copy or export "
            "it again."
        )
    if tables:
        # Decimated leads hold fewer samples than section 3 counts; all of them are decoded.
        values = decode_rows(rows, tables, [None] * n_leads if bimodal else counts)
        if section.number == 6 and not bimodal:
            values = _without_filling(values, layout, counts)
    else:
        values = [np.frombuffer(row[: len(row) & ~1], "<i2").astype(np.int32) for row in rows]
    return Encoded(section.u16(0), section.u16(2), bimodal, _sum_up(values, order))


def _raw_lengths(lengths: list[int], counts: list[int | None], n_bytes: int) -> list[int]:
    """Return the bytes of each lead, where two bytes were too few to state them."""
    whole = [0 if count is None else 2 * count for count in counts]
    if sum(whole) == n_bytes and all(
        told == true & 0xFFFF for told, true in zip(lengths, whole, strict=True)
    ):
        return whole
    return lengths


def _without_filling(
    values: list[Int[np.ndarray, " _"]], layout: list[Lead], counts: list[int | None]
) -> list[Int[np.ndarray, " _"]]:
    """Leave out zeros at the end that may be the filling of the last bytes."""
    numbered_from_0 = all(
        lead.start == 0 and row.size == count
        for lead, row, count in zip(layout, values, counts, strict=True)
    )
    if numbered_from_0 and not any(row[-1] for row in values):
        # Writers that count from 0 give the number of samples as the last sample.
        return [row[:-1] for row in values]
    kept = []
    for row, count in zip(values, counts, strict=True):
        if count is None or row.size < count:
            end = row[-FILLING_BITS + 1 :]
            row = row[: row.size - int(np.argmax(np.append(end[::-1] != 0, True)))]
        kept.append(row)
    return kept


def _sum_up(rows: list[Int[np.ndarray, " _"]], order: int) -> list[np.ndarray]:
    """Undo differences; sums wrap around like the 16 bit numbers that they are."""
    if order == 0:
        return rows
    if len({row.size for row in rows}) == 1:
        return list(_summed(np.array(rows), order))
    return [_summed(row[np.newaxis], order)[0] for row in rows]


def _summed(values: Int[np.ndarray, "lead sample"], order: int) -> Int[np.ndarray, "lead sample"]:
    if order == 2 and values.shape[1] > 1:
        slopes = values.copy()
        slopes[:, 1] -= slopes[:, 0]
        np.cumsum(slopes[:, 1:], axis=1, dtype=np.int32, out=slopes[:, 1:])
        values = slopes
    return np.cumsum(values, axis=1, dtype=np.int32).astype(np.int16).astype(np.int32)
