# SPDX-License-Identifier: Apache-2.0
"""The waveforms of an MFER file: frames decoded, scaled and put one behind another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from precordia.core.errors import FormatError, SamplingRateError
from precordia.core.record import Remark
from precordia.io.mfer_channel import MferChannel, data_type, scaled_channel
from precordia.io.mfer_codes import DATA_TYPES, Tag
from precordia.io.mfer_definitions import Definition, Frame

_DEFAULT_FS = 1000.0
#: gaps may make a recording this much longer than its samples, and this many samples always
_STRETCH, _SMALL = 4, 1 << 22
_LAYOUT = (
    Tag.BLOCK_LENGTH, Tag.DATA_TYPE, Tag.INTERVAL, Tag.RESOLUTION, Tag.OFFSET, Tag.NULL, Tag.LEAD,
    Tag.WAVEFORM,
)  # fmt: skip


def waveform_of(frame: Frame) -> int:
    """Return the code of a frame's waveform type; 0 where it is not told."""
    given = frame.root.get(Tag.WAVEFORM) or frame.channels[0].get(Tag.WAVEFORM)
    return given.unsigned(0, 2) if given is not None else 0


def layout_of(frame: Frame) -> tuple[object, ...]:
    """Return what two frames must share to be parts of one recording."""
    order: tuple[object, ...] = (frame.big_endian,)
    return order + tuple(
        tuple(
            (held.value, held.big_endian) if (held := channel.get(tag)) is not None else None
            for tag in _LAYOUT
        )
        for channel in frame.channels
    )


def decode_frames(
    frames: Sequence[Frame], *, unit: str | None, name: str, remarks: list[Remark]
) -> list[MferChannel]:
    """Decode frames of one layout and put them one behind another.

    Parameters
    ----------
    frames
        At least one; all of one layout.
    unit
        What one step of the converter is, where the file does not tell.
    name
        Name of the file, for messages.
    remarks
        Takes what was noticed.

    Returns
    -------
    The channels.

    Raises
    ------
    FormatError
        If the data contradict their description.
    UnitError
        If the step of a channel is unknown.
    SamplingRateError
        If a sampling rate makes no sense.

    Notes
    -----
    A frame holds sequences; a sequence holds a block of each channel in turn. The value is
    (sample + offset) times resolution. A channel of another block length and no interval of its
    own covers the time that the other blocks cover, so its rate follows. Frames that say where
    they begin leave gaps where they are apart.
    """
    described = frames[0].channels
    dtypes = [np.dtype(DATA_TYPES[data_type(held)]) for held in described]
    blocks = [_block_length(held) for held in described]
    rates = _rates(frames[0], blocks, name, remarks)
    root_fs = _own_rate(frames[0].root.get(Tag.INTERVAL), name) or _DEFAULT_FS
    frames = _run_together(frames, dtypes, blocks, max(rates), root_fs)
    decoded = [_decode(frame, dtypes, blocks, name, remarks) for frame in frames]
    starts = _starts(frames, decoded, rates, root_fs, remarks)
    channels = []
    for k, held in enumerate(described):
        rows = [parts[k] for parts in decoded]
        values = _joined(rows, [round(start * rates[k]) for start in starts])
        channels.append(scaled_channel(k, held, values, dtypes[k], rates[k], unit, name, remarks))
    return channels


def _block_length(held: dict[int, Definition]) -> int:
    given = held.get(Tag.BLOCK_LENGTH)
    return given.unsigned() if given is not None else 1


def _own_rate(given: Definition | None, name: str) -> float | None:
    if given is None:
        return None
    unit, value, inverse = given.scaled()
    if unit not in (0, 1):
        raise SamplingRateError(
            f"'{name}' gives its sampling interval in unit {unit}; hertz or seconds were needed. "
            "Export it as a recording over time."
        )
    fs = value if unit == 0 else inverse
    if not 1e-3 <= fs <= 1e7:
        raise SamplingRateError(
            f"'{name}' states a sampling rate of {fs:g} Hz, which no recorder has. The file is "
            "damaged: copy or export it again."
        )
    return fs


def _rates(frame: Frame, blocks: list[int], name: str, remarks: list[Remark]) -> list[float]:
    """Return the sampling rate of each channel."""
    root = frame.root.get(Tag.INTERVAL)
    root_fs = _own_rate(root, name)
    if root_fs is None and any(Tag.INTERVAL not in held for held in frame.channels):
        remarks.append(
            Remark(
                code="rate-default",
                text="The file states no sampling interval; the 1000 Hz that MFER takes then were "
                "used.",
            )
        )
    given = frame.root.get(Tag.BLOCK_LENGTH)
    root_block = given.unsigned() if given is not None else None
    rates, implied = [], []
    for k, held in enumerate(frame.channels):
        own = held.get(Tag.INTERVAL)
        fs = _own_rate(own, name) or _DEFAULT_FS
        if own is root and root_block is not None and blocks[k] != root_block:
            fs = fs * blocks[k] / root_block
            implied.append(k + 1)
        rates.append(fs)
    if implied:
        remarks.append(
            Remark(
                code="rate-from-block",
                text="Channels "
                + ", ".join(map(str, implied[:12]))
                + " state no sampling rate of their own; it follows from their block length.",
            )
        )
    return rates


def _run_together(
    frames: Sequence[Frame], dtypes: list[np.dtype], blocks: list[int], fs: float, root_fs: float
) -> Sequence[Frame]:
    """Join frames that are whole and follow one another: monitors write one every second."""
    first = frames[0]
    root = first.root.get(Tag.SEQUENCES)
    size = sum(n * dtype.itemsize for n, dtype in zip(blocks, dtypes, strict=True))
    if len(frames) == 1 or Tag.BLOCK_LENGTH not in first.root:
        return frames
    block = first.root[Tag.BLOCK_LENGTH].unsigned()
    expected = first.pointer or 0
    for frame in frames:
        count, rest = divmod(len(frame.data), size)
        declared = frame.root.get(Tag.SEQUENCES)
        if rest or frame.cut or (declared is not None and declared.unsigned() != count):
            return frames
        if frame.pointer is not None and abs(frame.pointer - expected) > 0.5 * root_fs / fs:
            return frames
        if any(Tag.SEQUENCES in held and held[Tag.SEQUENCES] is not declared
               for held in frame.channels):  # fmt: skip
            return frames
        expected += count * block
    joined = b"".join(frame.data for frame in frames)
    kept = {tag: held for tag, held in first.root.items() if tag != Tag.SEQUENCES}
    channels = first.channels
    if root is not None:
        channels = [
            {tag: given for tag, given in held.items() if tag != Tag.SEQUENCES} for held in channels
        ]
    return [Frame(joined, channels, kept, first.big_endian, first.pointer, False)]


def _decode(
    frame: Frame, dtypes: list[np.dtype], blocks: list[int], name: str, remarks: list[Remark]
) -> list[np.ndarray]:
    """Return the samples of each channel of a frame as stored; NaN where the data end early."""
    order = ">" if frame.big_endian else "<"
    sizes = [n * dtype.itemsize for n, dtype in zip(blocks, dtypes, strict=True)]
    size = sum(sizes)
    declared = _sequences(frame, name)
    n_whole, rest = divmod(len(frame.data), size)
    if declared is not None:
        n_whole = min(n_whole, declared)
        rest = 0 if n_whole == declared else len(frame.data) - n_whole * size
    short = frame.cut or rest > 0 or (declared is not None and n_whole < declared)
    if short and not any(r.code == "truncated" for r in remarks):
        remarks.append(
            Remark(
                code="truncated",
                text="The waveform data end before what the file declares; what is there was read.",
            )
        )
    table = np.frombuffer(frame.data, np.uint8, n_whole * size).reshape(n_whole, size)
    tail = frame.data[n_whole * size : n_whole * size + rest]
    found, at = [], 0
    for n, dtype, width in zip(blocks, dtypes, sizes, strict=True):
        stored = dtype.newbyteorder(order)
        column = np.ascontiguousarray(table[:, at : at + width]).reshape(-1).view(stored)
        part = tail[at : at + width]
        if tail and (part or n_whole):
            with np.errstate(invalid="ignore"):
                last = np.frombuffer(part, stored, len(part) // dtype.itemsize).astype(np.float64)
            if n_whole:
                last = np.append(last, np.full(n - last.size, np.nan))
            with np.errstate(invalid="ignore"):
                column = np.append(column.astype(np.float64), last)
        found.append(column)
        at += width
    return found


def _sequences(frame: Frame, name: str) -> int | None:
    root = frame.root.get(Tag.SEQUENCES)
    for held in frame.channels:
        own = held.get(Tag.SEQUENCES)
        if (
            own is not root
            and own is not None
            and (root is None or own.unsigned() != root.unsigned())
        ):
            raise FormatError(
                f"'{name}' gives its channels different numbers of sequences, which is not read. "
                "Export the channels that you need, or as EDF."
            )
    return root.unsigned() if root is not None else None


def _starts(
    frames: Sequence[Frame],
    decoded: list[list[np.ndarray]],
    rates: list[float],
    root_fs: float,
    remarks: list[Remark],
) -> list[float]:
    """Return when each frame begins, seconds from the first."""
    lengths = [
        max(row.size / fs for row, fs in zip(parts, rates, strict=True)) for parts in decoded
    ]
    origin = frames[0].pointer or 0
    starts: list[float] = [0.0]
    odd = False
    for frame, before in zip(frames[1:], lengths, strict=False):
        follows = starts[-1] + before
        start = follows
        if frame.pointer is not None:
            told = (frame.pointer - origin) / root_fs
            if told < follows - 0.5 / max(rates):
                odd = True
            elif told > follows + 0.5 / max(rates):
                start = told
        starts.append(start)
    total = sum(lengths)
    end = starts[-1] + lengths[-1]
    if end * max(rates) > max(_SMALL, _STRETCH * total * max(rates)):
        odd = True
        starts = [0.0, *np.cumsum(lengths[:-1]).tolist()]
    elif end > total + 1.0 / max(rates):
        remarks.append(
            Remark(
                code="gaps", text=f"The recording has gaps of {end - total:g} s in all; NaN there."
            )
        )
    if odd:
        remarks.append(
            Remark(
                code="pointers-doubtful",
                text="Parts of the recording say that they overlap or lie very far apart; they "
                "were put one behind another.",
            )
        )
    return starts


def _joined(rows: list[np.ndarray], starts: list[int]) -> np.ndarray:
    """Put rows in their places; a type that can hold NaN where they leave gaps."""
    if len(rows) == 1:
        return rows[0]
    ends = np.cumsum([row.size for row in rows])
    if starts == [0, *ends[:-1].tolist()]:
        return np.concatenate(rows)
    whole = np.full(max(s + r.size for s, r in zip(starts, rows, strict=True)), np.nan)
    for start, row in zip(starts, rows, strict=True):
        whole[start : start + row.size] = row
    return whole
