# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PTH116, PTH119, PTH123
"""WFDB annotation files in MIT format: read and write."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import numpy as np
from jaxtyping import Int

from precordia.core.errors import FormatError, OutputError
from precordia.core.output import write_whole
from precordia.core.record import Annotations

MAX_ANNOTATION_BYTES = 1 << 28
#: symbol of each annotation code of annot(5); codes without one are written "[15]"
SYMBOLS = {
    0: " ", 1: "N", 2: "L", 3: "R", 4: "a", 5: "V", 6: "F", 7: "J", 8: "A", 9: "S", 10: "E",
    11: "j", 12: "/", 13: "Q", 14: "~", 16: "|", 18: "s", 19: "T", 20: "*", 21: "D", 22: '"',
    23: "=", 24: "p", 25: "B", 26: "^", 27: "t", 28: "+", 29: "u", 30: "?", 31: "!", 32: "[",
    33: "]", 34: "e", 35: "n", 36: "@", 37: "x", 38: "f", 39: "(", 40: ")", 41: "r",
}  # fmt: skip
_CODES = {symbol: code for code, symbol in SYMBOLS.items()}
#: codes without a meaning of their own, which a file may define
_OWN_CODES = frozenset(str(code) for code in range(42, 50))
_NOTE, _SKIP, _NUM, _SUB, _CHN, _AUX = 22, 59, 60, 61, 62, 63
_RESOLUTION = re.compile(r"## time resolution: (\d+\.?\d*(?:[eE][-+]?\d+)?)")
_EXTENSION = re.compile(r"[A-Za-z0-9_-]+$")
_NUMBERED = re.compile(r"\[(\d{1,2})\]$")


def read_annotations(
    path: str | os.PathLike[str], extension: str | None = None, *, fs: float | None = None
) -> Annotations:
    """Read an annotation file.

    Parameters
    ----------
    path
        The annotation file; or the header or record's name, with ``extension``.
    extension
        Such as ``"atr"``.
    fs
        Sampling rate that positions are wanted at, Hz; used where the file states the rate of
        its own positions, which few do. By default positions are as stored, counted in frames of
        the record.

    Returns
    -------
    The annotations in file order.

    Raises
    ------
    FormatError
        If the file is absent, too large, cut short or no annotation file.

    Notes
    -----
    MIT format of annot(5): 16-bit words of a 6-bit code and a 10-bit interval, with the pseudo
    codes SKIP, NUM, SUB, CHN and AUX. Notes at the beginning that state the time resolution or
    define codes (``## annotation type definitions``) are applied and not returned. A file without
    its end mark is read to its last whole annotation.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> marks = Annotations(sample=np.array([70, 5000]), symbol=("N", "V"), aux=("", "(VT"))
    >>> file = write_annotations(marks, pathlib.Path(tempfile.mkdtemp(), "a"), "atr")
    >>> read_annotations(file).aux
    ('', '(VT')
    """
    marks, resolution = read_annotation_file(os.fspath(path), extension)
    if fs is None or not resolution or resolution == fs:
        return marks
    sample = np.rint(marks.sample * (fs / resolution)).astype(np.int64)
    return Annotations(
        sample=sample, symbol=marks.symbol, aux=marks.aux, subtype=marks.subtype,
        channel=marks.channel, number=marks.number,
    )  # fmt: skip


def read_annotation_file(place: str, extension: str | None) -> tuple[Annotations, float]:
    """Return annotations as stored, and the rate of their positions in Hz (0 if unstated)."""
    if extension is not None:
        place = f"{_stem(place)}.{_checked_extension(extension)}"
    name = os.path.basename(place)
    try:
        info = os.stat(place)
        if not stat.S_ISREG(info.st_mode):
            raise FormatError(f"'{name}' is not a file; an annotation file is needed.")
        if info.st_size > MAX_ANNOTATION_BYTES:
            raise FormatError(
                f"'{name}' has {info.st_size} bytes; an annotation file has at most "
                f"{MAX_ANNOTATION_BYTES}. Give the annotation file, not the signal file."
            )
        with open(place, "rb", buffering=0) as file:
            content = file.read(info.st_size)
    except (OSError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(
            f"there is no readable annotation file '{name}' beside the header; a file with that "
            "extension is needed. Check the extension."
        ) from error
    return parse_annotations(content, name=name)


def _stem(place: str) -> str:
    return place[:-4] if place.endswith(".hea") else place


def _checked_extension(extension: str) -> str:
    if not isinstance(extension, str) or not _EXTENSION.match(extension):
        raise FormatError(
            f"the annotation extension {str(extension)[:20]!r} is none; letters and digits such as "
            "'atr' are needed."
        )
    return extension


def parse_annotations(content: bytes, *, name: str = "annotations") -> tuple[Annotations, float]:
    """Parse the bytes of an annotation file.

    Parameters
    ----------
    content
        All bytes of the file.
    name
        What error messages call it.

    Returns
    -------
    The annotations as stored, and the rate of their positions in Hz, 0 where it is not stated.
    """
    usable = len(content) // 2
    if usable == 0:
        raise FormatError(
            f"'{name}' is empty; an annotation file has at least its end mark. Fetch it again."
        )
    words = np.frombuffer(content, "<u2", usable)
    codes = words >> 10
    plain, fields, steps = _walk(words, codes, content, name)
    kept = np.flatnonzero(plain)
    # intervals of whole numbers: 64 bits hold the sum of any file of the allowed size
    position = np.cumsum(np.where(plain, words & 0x3FF, 0).astype(np.int64) + steps)[kept]
    rank = np.cumsum(plain) - 1  # the annotation that each modifying word follows
    n = kept.size
    aux, subtype = [""] * n, [0] * n
    channel, number = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for at, kind, value in fields:
        k = int(rank[at])
        if k < 0:
            continue
        if kind == _AUX:
            aux[k] = value
        elif kind == _SUB:
            subtype[k] = value
        elif kind == _CHN:
            channel[k:] = value  # these two hold until they are changed
        else:
            number[k:] = value
    table = [SYMBOLS.get(code, f"[{code}]") for code in range(64)]
    skip, resolution = _definitions(codes[kept], position, aux, table)
    symbol = tuple([table[code] for code in codes[kept[skip:]].tolist()])
    marks = Annotations(
        sample=position[skip:], symbol=symbol, aux=tuple(aux[skip:]),
        subtype=tuple(subtype[skip:]), channel=tuple(channel[skip:].tolist()),
        number=tuple(number[skip:].tolist()),
    )  # fmt: skip
    return marks, resolution


def _walk(words, codes, content: bytes, name: str):
    """Tell annotations from the words that modify them, visiting only the latter."""
    plain = np.ones(words.size, bool)
    steps = np.zeros(words.size, np.int64)
    fields: list[tuple[int, int, object]] = []
    beyond = -1  # words up to here belong to the field before
    end = words.size
    for at in np.flatnonzero((codes >= _SKIP) | (words == 0)).tolist():
        if at <= beyond:
            continue
        code, value = int(codes[at]), int(words[at]) & 0x3FF
        if words[at] == 0:
            end = at
            break
        plain[at] = False
        if code == _SKIP:
            beyond = at + 2
            if beyond < words.size:
                step = (int(words[at + 1]) << 16) | int(words[at + 2])
                steps[at] = step - (1 << 32) if step >> 31 else step
        elif code == _AUX:
            beyond = at + (value + 1) // 2
            text = content[2 * at + 2 : 2 * at + 2 + value]
            fields.append((at, code, _text(text)))
        else:
            small = value & 0xFF  # signed, but for channels
            fields.append((at, code, small - 256 if small > 127 and code != _CHN else small))
        if beyond >= words.size:
            raise FormatError(
                f"'{name}' ends inside an annotation; all bytes of an annotation file are needed. "
                "Fetch it again."
            )
        plain[at : beyond + 1] = False
    plain[end:] = False
    return plain, fields, steps


def _text(raw: bytes) -> str:
    raw = raw.rstrip(b"\0")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _definitions(codes, position, aux: list[str], table: list[str]) -> tuple[int, float]:
    """Apply the notes at the beginning that describe the file itself; return how many they are."""
    resolution, defining = 0.0, False
    for k in range(len(aux)):
        if codes[k] == 0 and k and position[k] == 0:
            return k + 1, resolution  # the library ends its own notes with an empty annotation
        if codes[k] != _NOTE or position[k] != 0:
            return k, resolution
        text = aux[k]
        parts = text.split(None, 2)
        if parts and parts[0].isdecimal() and len(parts) > 1 and (
            defining or (len(parts) == 3 and parts[0] in _OWN_CODES)
        ):  # fmt: skip
            if int(parts[0]) < _SKIP:
                table[int(parts[0])] = parts[1]
        elif (found := _RESOLUTION.match(text)) is not None:
            resolution = float(found[1])
            resolution = resolution if 0 < resolution < 1e12 else 0.0
        elif text.startswith("## annotation type definitions"):
            defining = True
        elif text.startswith("## end of definitions"):
            defining = False
        else:
            return k, resolution
    return len(aux), resolution


def write_annotations(
    annotations: Annotations,
    path: str | os.PathLike[str],
    extension: str | None = None,
    *,
    fs: float | None = None,
    overwrite: bool = False,
) -> Path:
    """Write an annotation file.

    Parameters
    ----------
    annotations
        What to write, sorted by position.
    path, extension
        The annotation file; or the header or record's name, with ``extension``.
    fs
        Rate of the positions, Hz; written into the file where given.
    overwrite
        Replace a file that is there.

    Returns
    -------
    The file written.

    Raises
    ------
    OutputError
        If the file exists, cannot be written, or an annotation does not fit the format.

    Examples
    --------
    >>> import tempfile
    >>> marks = Annotations(sample=np.array([10]), symbol=("N",))
    >>> write_annotations(marks, Path(tempfile.mkdtemp(), "rec"), "atr").name
    'rec.atr'
    """
    place = os.fspath(path)
    if extension is not None:
        place = f"{_stem(place)}.{_checked_extension(extension)}"
    content = encode_annotations(annotations, fs=fs)
    write_whole({place: content}, overwrite=overwrite)
    return Path(place)


def encode_annotations(annotations: Annotations, *, fs: float | None = None) -> bytes:
    """Return the bytes of an annotation file; see `write_annotations`."""
    sample: Int[np.ndarray, " beat"] = annotations.sample
    if sample.size and (np.any(np.diff(sample) < 0) or sample[0] < 0):
        raise OutputError(
            "the annotations are not in order of time from 0 on, which WFDB needs. Sort them by "
            "position and drop those before the record."
        )
    out = bytearray()
    n = len(annotations)
    table, own = _own_codes(annotations.symbol)
    notes = [] if fs is None else [f"## time resolution: {fs:.12g}"]
    if own:
        notes += ["## annotation type definitions", *own, "## end of definitions"]
    for note in notes:
        out += _word(_NOTE, 0) + _aux(note)
    if notes:  # an empty annotation at 0 ends them: one back, one forth
        out += _word(_SKIP, 0) + b"\xff\xff\xff\xff" + _word(0, 1)
    aux = annotations.aux or ("",) * n
    subtype = annotations.subtype or (0,) * n
    channel, number = annotations.channel or (0,) * n, annotations.number or (0,) * n
    before, chn, num = 0, 0, 0
    for k, (at, symbol) in enumerate(zip(sample.tolist(), annotations.symbol, strict=True)):
        step, before = at - before, at
        code = table[symbol]
        while step > 0x7FFFFFFF:
            out += _word(_SKIP, 0) + b"\xff\x7f\xff\xff"
            step -= 0x7FFFFFFF
        if step > 0x3FF:
            out += _word(_SKIP, 0) + (step >> 16).to_bytes(2, "little")
            out += (step & 0xFFFF).to_bytes(2, "little")
            step = 0
        if code == 0 and step == 0:  # would read as the end of the file
            out += _word(_SKIP, 0) + b"\xff\xff\xff\xff"  # one back, one forth
            step = 1
        out += _word(code, step)
        if subtype[k]:
            out += _word(_SUB, _small(subtype[k], "subtype"))
        if channel[k] != chn:
            chn = channel[k]
            out += _word(_CHN, _small(chn, "channel", 0, 255))
        if number[k] != num:
            num = number[k]
            out += _word(_NUM, _small(num, "number"))
        if aux[k]:
            out += _aux(aux[k])
    return bytes(out) + b"\0\0"


def _own_codes(symbols: tuple[str, ...]) -> tuple[dict[str, int], list[str]]:
    """Give every symbol a code; symbols of the caller's own get free ones from 42 on."""
    table: dict[str, int] = {}
    own: list[str] = []
    taken = {int(found[1]) for symbol in symbols if (found := _NUMBERED.match(symbol))}
    free = iter([code for code in range(42, 50) if code not in taken])
    for symbol in dict.fromkeys(symbols):
        if symbol in _CODES:
            table[symbol] = _CODES[symbol]
            continue
        numbered = _NUMBERED.match(symbol)
        if numbered is not None and int(numbered[1]) < _SKIP:
            table[symbol] = int(numbered[1])
            continue
        code = next(free, None)
        if code is None or not symbol or len(symbol.split()) != 1 or not symbol.isprintable():
            raise OutputError(
                f"the annotation symbol {symbol[:20]!r} is none of WFDB's and cannot be added; a "
                "word without blanks is needed, and at most eight of them. Use WFDB's symbols."
            )
        table[symbol] = code
        own.append(f"{code} {symbol} {symbol}")
    return table, own


def _word(code: int, value: int) -> bytes:
    return ((code << 10) | value).to_bytes(2, "little")


def _small(value: int, field: str, lowest: int = -128, highest: int = 127) -> int:
    if not lowest <= value <= highest:
        raise OutputError(
            f"an annotation's {field} is {value}; WFDB stores {lowest} to {highest}. Change it."
        )
    return value & 0xFF


def _aux(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > 255:
        raise OutputError(
            f"an annotation's text has {len(raw)} bytes; WFDB stores 255. Shorten it."
        )
    return _word(_AUX, len(raw)) + raw + b"\0" * (len(raw) % 2)
