# SPDX-License-Identifier: Apache-2.0
"""The code tables of MFER: tags, units, data types, leads, character sets."""

from __future__ import annotations

import codecs
import re
from enum import IntEnum

from precordia.io.lead_names import SCP_LEADS


class Tag(IntEnum):
    """Tags of ISO 22077-1 that a reader of waveforms needs."""

    PADDING = 0x00
    BYTE_ORDER = 0x01
    VERSION = 0x02
    CHARACTER_SET = 0x03
    BLOCK_LENGTH = 0x04
    CHANNELS = 0x05
    SEQUENCES = 0x06
    POINTER = 0x07
    WAVEFORM = 0x08
    LEAD = 0x09
    DATA_TYPE = 0x0A
    INTERVAL = 0x0B
    RESOLUTION = 0x0C
    OFFSET = 0x0D
    COMPRESSION = 0x0E
    FILTER = 0x11
    NULL = 0x12
    NOTE = 0x16
    MODEL = 0x17
    WAVE = 0x1E
    CHANNEL = 0x3F
    PREAMBLE = 0x40
    EVENT = 0x41
    VALUE = 0x42
    SKEW = 0x43
    GROUP = 0x67
    END = 0x80
    NAME = 0x81
    PATIENT_ID = 0x82
    AGE = 0x83
    SEX = 0x84
    TIME = 0x85
    MESSAGE = 0x86


#: NumPy types by data type; 4 is a status word, 9 (AHA compression) is not read
DATA_TYPES = {0: "i2", 1: "u2", 2: "i4", 3: "u1", 4: "u2", 5: "i1", 6: "u4", 7: "f4", 8: "f8"}
STATUS_TYPE = 4
VOLT = 0
UNITS = {
    0: "V", 1: "mmHg", 2: "Pa", 3: "cmH2O", 4: "mmHg/s", 5: "dyn", 6: "N", 7: "%", 8: "degC",
    9: "1/min", 10: "1/s", 11: "Ohm", 12: "A", 13: "rpm", 14: "W", 15: "dB", 16: "kg", 17: "J",
    18: "dyn s/m2 cm5", 19: "L", 20: "L/s", 21: "L/min", 22: "cd",
}  # fmt: skip
#: leads by their code; they are numbered as in SCP-ECG where both have them
LEADS = {code: lead for code, lead in SCP_LEADS.items() if code not in (10,)} | {
    9: "V7", 11: "V3R", 12: "V4R", 13: "V5R", 14: "V6R", 15: "V7R", 19: "CC5", 20: "CM5",
    31: "NASA", 32: "CB4", 33: "CB5", 34: "CB6",
    0x1046: "ECG 1", 0x1047: "ECG 2", 0x1048: "ECG 3", 0x1049: "ECG 4",
}  # fmt: skip
#: what else a monitor records
OTHERS = {
    0x8F: "blood pressure", 0xA0: "impedance respiration", 0xAF: "SpO2", 0x1040: "status",
    0x1041: "body position", 0x1042: "body movement", 0x1043: "respiration",
}  # fmt: skip
STATUS_CODE = 0x1040
#: codes from here on belong to the maker of the device
PRIVATE = 0xC000
#: waveform types that hold an ECG of the body surface, and those of a representative beat
ECG_WAVEFORMS = frozenset({0, 1, 2, 3, 4, 6, 20, 21})
BEAT_WAVEFORMS = frozenset({8, 9})
WAVEFORMS = {
    1: "standard 12-lead ECG", 2: "long-term ECG", 3: "vectorcardiogram", 4: "stress ECG",
    5: "intracardiac ECG", 6: "body surface ECG", 7: "ventricular late potential",
    8: "body surface late potential or averaged beat", 9: "dominant beat",
    20: "long-term monitoring", 21: "monitoring", 25: "power spectrum", 26: "trend", 30: "sound",
    31: "pulse wave", 40: "EEG at rest", 41: "evoked potential", 42: "EEG spectrum",
    43: "long-term EEG",
}  # fmt: skip
_CODECS = {
    "ascii": "ascii", "ansix34": "ascii", "iso646": "ascii", "utf8": "utf-8", "unicode": "utf-8",
    "utf16": "utf-16", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "ucs2": "utf-16-le",
    "jisx0201": "shift_jis", "jisx0208": "iso2022_jp", "jisx0212": "iso2022_jp_1",
    "rfc1468": "iso2022_jp", "iso2022jp": "iso2022_jp", "shiftjis": "shift_jis", "sjis": "cp932",
    "eucjp": "euc_jp", "isoir100": "iso8859-1", "isoir6": "ascii", "ms932": "cp932",
}  # fmt: skip
_TEXT_CODECS = frozenset({*_CODECS.values(), "cp1252", "gb18030", "big5", "euc_kr", "koi8_r"})


def codec_of(name: str) -> str:
    """Return the codec of a character set; ASCII where it is unknown.

    Examples
    --------
    >>> codec_of("UTF-16LE"), codec_of("ISO 8859-2"), codec_of("JIS X 0208")
    ('utf-16-le', 'iso8859-2', 'iso2022_jp')
    """
    part = re.match(r"iso[ _-]?8859[ _-]?(\d{1,2})?", name, re.IGNORECASE)
    if part:
        number = int(part.group(1) or 1)
        return f"iso8859-{number}" if 1 <= number <= 16 and number != 12 else "iso8859-1"
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    for known in sorted(_CODECS, key=len, reverse=True):
        if plain.startswith(known):
            return _CODECS[known]
    try:
        found = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return "ascii"
    return found if found in _TEXT_CODECS else "ascii"
