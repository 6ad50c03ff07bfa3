# SPDX-License-Identifier: Apache-2.0
"""What an SCP-ECG file says about its ECG: measurements, beats, marks, statements."""

from __future__ import annotations

import math

import numpy as np

from precordia.core.fiducials import Fiducials, empty_waves
from precordia.core.record import Annotations
from precordia.core.source import Source
from precordia.core.statements import Statement
from precordia.io.lead_names import SCP_LEADS
from precordia.io.scp_ecg_header import decode_text, read_date
from precordia.io.scp_ecg_rhythm import Rhythm
from precordia.io.scp_ecg_sections import Section

#: numbers that stand for none: not calculated, lead rejected, no wave, undefined
_NO_NUMBERS = frozenset({29999, 29998, 19999, 0xFFFF, 0x7FFF, -32768})
_NO_AXIS = _NO_NUMBERS | {999}
_QTC_FORMULAS = {1: "qtc_bazett_ms", 2: "qtc_hodges_ms"}
_BLOCK = ("p_onset", "p_offset", "qrs_onset", "qrs_offset", "t_offset")
#: protocol versions before this have no list of QRS types in section 7
_FIRST_WITH_QRS_LIST = 13
#: measurements of a lead in section 10: name, and how many of its units are one of ours
_OF_A_LEAD: tuple[tuple[str, float], ...] = (
    ("p_ms", 1), ("pr_ms", 1), ("qrs_ms", 1), ("qt_ms", 1), ("q_ms", 1), ("r_ms", 1), ("s_ms", 1),
    ("r_prime_ms", 1), ("s_prime_ms", 1), ("q_mv", 1000), ("r_mv", 1000), ("s_mv", 1000),
    ("r_prime_mv", 1000), ("s_prime_mv", 1000), ("st_j_mv", 1000), ("p_positive_mv", 1000),
    ("p_negative_mv", 1000), ("t_positive_mv", 1000), ("t_negative_mv", 1000),
    ("st_slope_mv_per_s", 1000), ("", 0), ("", 0), ("", 0), ("", 0), ("r_peak_time_ms", 1),
    ("", 0), ("st_j20_mv", 1000), ("st_j60_mv", 1000), ("st_j80_mv", 1000),
)  # fmt: skip


class Findings:
    """Measurements, statements, marks and beats of a file, gathered section by section."""

    def __init__(self, rhythm: Rhythm, n_samples: int, codec: str) -> None:
        self.measurements: dict[str, float] = {}
        self.statements: list[Statement] = []
        self.header: dict[str, str] = {}
        self.marks: dict[str, float] = {}
        self.fiducials: Fiducials | None = None
        self._rhythm = rhythm
        self._n_samples = n_samples
        self._codec = codec
        self._spikes: list[tuple[int, int]] = []

    def read_global(self, section: Section, protocol: int) -> None:
        """Read section 7: intervals, axes, wave boundaries, pacemaker spikes.

        Notes
        -----
        The first block belongs to reference beat 0 and counts milliseconds from the beginning of
        that beat; the others belong to QRS complexes where there is one for each, and count from
        the beginning of the recording. A rate or an interval of 0 was not measured.
        """
        body = section.body
        if len(body) < 6:
            return
        n_blocks, n_spikes = section.u8(0), section.u8(1)
        self._keep("rr_ms", section.u16(2))
        self._keep("pp_ms", section.u16(4))
        n_held = min(n_blocks, (len(body) - 6) // 16)
        blocks = [_block(section, 6 + 16 * k) for k in range(n_held)]
        if blocks:
            self._read_first(*blocks[0])
        if len(blocks) - 1 == len(self._rhythm.beats):
            self.fiducials = self._beats_of([points for points, _ in blocks[1:]])
        at = 6 + 16 * n_blocks
        if at + 10 * n_spikes > len(body):
            return
        for k in range(n_spikes):
            place = section.u16(at + 4 * k) * self._rhythm.fs / 1000
            if place < self._n_samples:
                self._spikes.append((int(place), section.i16(at + 4 * k + 2)))
        at += 10 * n_spikes
        if 0 < protocol < _FIRST_WITH_QRS_LIST or at + 2 > len(body):
            return
        at += 2 + section.u16(at)
        if at + 7 > len(body):
            return
        self._keep("heart_rate_bpm", section.u16(at))
        self._keep("atrial_rate_bpm", section.u16(at + 2))
        self._keep(_QTC_FORMULAS.get(section.u8(at + 6), "qtc_ms"), section.u16(at + 4))

    def read_texts(self, section: Section) -> None:
        """Read section 8, the interpretation in words."""
        for _, value in self._entries(section):
            text = decode_text(value, self._codec)
            if text:
                self.statements.append(Statement(code=text))

    def read_codes(self, section: Section) -> None:
        """Read section 11, the interpretation in codes, in words, or both."""
        told = {statement.code for statement in self.statements}
        for _, value in self._entries(section):
            if len(value) < 2:
                continue
            coded = value[0] == 1
            parts = [value[1:]] if self._codec == "utf-16-le" else value[1:].split(b"\0")
            for part in parts:
                text = decode_text(part, self._codec)
                if text and text not in told:
                    scheme = "scp-ecg" if coded else "text"
                    self.statements.append(Statement(code=text, scheme=scheme))

    def read_leads(self, section: Section) -> None:
        """Read section 10, measurements lead by lead, under names such as ``"v1_r_mv"``.

        Notes
        -----
        A wave of no duration or amplitude is one that the lead does not show.
        """
        body = section.body
        at = 4
        for _ in range(section.u16(0)):
            if at + 4 > len(body):
                return
            code, length = section.u16(at), section.u16(at + 2)
            lead = SCP_LEADS.get(code)
            values = np.frombuffer(
                body[at + 4 : at + 4 + (min(length, len(body) - at - 4) & ~1)], "<i2"
            )
            for (name, units), value in zip(_OF_A_LEAD, values.tolist(), strict=False):
                absent = value in _NO_NUMBERS or (value == 0 and not name.startswith("st_"))
                if name and lead is not None and not absent:
                    self.measurements[f"{lead.lower()}_{name}"] = value / units
            at += 4 + length

    def annotations(self) -> Annotations | None:
        """Return the QRS complexes of section 4 and the pacemaker spikes of section 7.

        Notes
        -----
        ``N`` stands for the dominant kind, whose reference beat is number 0, and ``Q`` for all
        others, which the file does not classify. Samples of the file count from that of its
        leads' beginning.
        """
        first = self._rhythm.first_sample
        found = [
            (beat.fiducial - first, "Q" if beat.kind else "N", f"kind {beat.kind}")
            for beat in self._rhythm.beats
            if 0 <= beat.fiducial - first < self._n_samples
        ]
        found += [(at, "^", f"{microvolts} uV") for at, microvolts in self._spikes]
        if not found:
            return None
        found.sort(key=lambda mark: mark[0])
        return Annotations(
            sample=np.array([at for at, _, _ in found]),
            symbol=tuple(symbol for _, symbol, _ in found),
            aux=tuple("" if text == "kind 0" else text for _, _, text in found),
        )

    def _keep(self, name: str, value: int) -> None:
        if value and value not in _NO_NUMBERS:
            self.measurements[name] = float(value)

    def _read_first(self, points: dict[str, float], axes: dict[str, float]) -> None:
        """Keep the intervals, axes and boundaries of reference beat 0."""
        self.measurements.update(axes)
        at = {name: points.get(name, math.nan) for name in _BLOCK}
        for name, begin, end in (
            ("p_ms", "p_onset", "p_offset"),
            ("pr_ms", "p_onset", "qrs_onset"),
            ("qrs_ms", "qrs_onset", "qrs_offset"),
            ("qt_ms", "qrs_onset", "t_offset"),
        ):
            length = at[end] - at[begin]
            if length > 0:
                self.measurements[name] = length
        if not math.isnan(self._rhythm.reference_fs):
            per_ms = self._rhythm.reference_fs / 1000
            self.marks = {name: place * per_ms for name, place in points.items()}

    def _beats_of(self, rows: list[dict[str, float]]) -> Fiducials | None:
        if not any(rows):
            return None
        waves = empty_waves(len(rows))
        columns = {name: getattr(waves, name) for name in waves.__dataclass_fields__}
        for k, points in enumerate(rows):
            fiducial = self._rhythm.beats[k].fiducial - self._rhythm.first_sample
            if 0 <= fiducial < self._n_samples:
                columns["r_peak"][k] = fiducial
            for name, ms in points.items():
                at = ms * self._rhythm.fs / 1000
                if at < self._n_samples:
                    columns[name][k] = at
        return Fiducials(
            fs=self._rhythm.fs,
            n_samples=self._n_samples,
            source=Source(method="carried by the file"),
            **columns,
        )

    def _entries(self, section: Section) -> list[tuple[int, bytes]]:
        """Return the numbered entries of section 8 or 11, and keep what is said of all."""
        body = section.body
        if len(body) < 9:
            return []
        status = {0: "original", 1: "confirmed", 2: "overread, not confirmed"}.get(body[0])
        day = read_date(body[1:5])
        if status and body[8]:
            self.header.setdefault("interpretation_status", status)
            if day is not None:
                self.header.setdefault("interpretation_date", day.isoformat())
        entries = []
        at = 9
        for _ in range(body[8]):
            if at + 3 > len(body):
                break
            length = section.u16(at + 1)
            entries.append((body[at], body[at + 3 : at + 3 + length]))
            at += 3 + length
        return entries


def _block(section: Section, at: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return wave boundaries in ms and axes of one block of section 7."""
    points = {
        name: float(value)
        for k, name in enumerate(_BLOCK)
        if (value := section.u16(at + 2 * k)) not in _NO_NUMBERS
    }
    if len(set(points.values())) < 2:
        points = {}  # zeros throughout are no boundaries
    axes = {
        name: float(value)
        for k, name in enumerate(("p_axis_deg", "qrs_axis_deg", "t_axis_deg"))
        if (value := section.i16(at + 10 + 2 * k)) not in _NO_AXIS and -360 <= value <= 360
    }
    return points, axes
