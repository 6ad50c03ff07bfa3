# SPDX-License-Identifier: Apache-2.0
"""The table of formats: how a file is recognised, who reads it, who writes it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from precordia.core.errors import unknown_name
from precordia.io.recognise import (
    is_apple_health_csv,
    is_contec,
    is_hdf5,
    is_ishne,
    is_matlab,
    is_mfer,
    is_numpy,
    is_polar_hrm,
    is_rr_text,
)

#: bytes from the start of a file that are enough to recognise it
HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the table of formats.

    Attributes
    ----------
    name
        The name that ``read(path, format=...)`` takes.
    title
        What people call it.
    suffixes
        File name endings, lower case, with the dot.
    magic
        Tells from the first bytes of a file whether it is one; None where nothing marks it.
    reader, writer
        ``"module:function"``; None where there is none.
    extra
        The optional dependency group that the reader needs; None where a bare install does.
    advice
        For a format that is recognised and not read: what to do instead.

    Examples
    --------
    >>> require_format("dicom").suffixes
    ('.dcm', '.dicom')
    """

    name: str
    title: str
    suffixes: tuple[str, ...] = ()
    magic: Callable[[bytes], bool] | None = None
    reader: str | None = None
    writer: str | None = None
    extra: str | None = None
    advice: str = ""

    def __repr__(self) -> str:
        able = "read" * bool(self.reader) + " and " * bool(self.reader and self.writer)
        able += "write" * bool(self.writer) or ("" if self.reader else "recognise only")
        return f"Format({self.name}: {self.title}; {', '.join(self.suffixes)}; {able})"


def _starts(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


@functools.lru_cache(maxsize=4)
def _xml_root(head: bytes) -> str:
    """Return the name of the first element of an XML text, lower case, without its prefix."""
    plain = head.replace(b"\0", b"") if b"\0" in head[:64] else head
    if b"<" not in plain[:64]:
        return ""
    plain = re.sub(rb"<!--.*?(-->|$)", b"", plain, flags=re.DOTALL)
    for found in re.finditer(rb"<([A-Za-z_][\w.:-]*)", plain):
        return found.group(1).decode("ascii", "replace").rpartition(":")[2].lower()
    return ""


def _root(*names: str) -> Callable[[bytes], bool]:
    return lambda head: _xml_root(head) in names


def _is_dicom(head: bytes) -> bool:
    if head[128:132] == b"DICM" or head[:4] == b"DICM":
        return True
    # A bare data set begins with group 0008 (or 0002), in ascending order, in little endian.
    if head[:2] not in (b"\x08\x00", b"\x02\x00") or len(head) < 16 or head[3] != 0:
        return False
    return (head[4:6].isalpha() and head[4:6].isupper()) or head[6:8] == b"\0\0"


def _is_wfdb_header(head: bytes) -> bool:
    lines = (line.strip() for line in head.split(b"\n", 64)[:64])
    told = [line for line in lines if line and not line.startswith(b"#")][:2]
    if not told or not re.match(rb"[\w./-]+(/\d+)?\s+\d+(\s+[\d.]|\s*$)", told[0]):
        return False
    # A signal line begins with a file name and a format; a row of numbers does not.
    return len(told) < 2 or re.match(rb"(~|\S*[A-Za-z_]\S*)\s+\d", told[1]) is not None


def _is_scp(head: bytes) -> bool:
    if b"SCPECG" in head[:32]:
        return True
    # Older writers leave the name out: section 0 has identifier 0, and its pointer repeats its
    # length and stands where the section begins (the 7th byte, the 6th in some devices).
    return (
        len(head) >= 32
        and head[8:10] == head[22:24] == b"\0\0"
        and head[10:14] == head[24:28] != b"\0\0\0\0"
        and head[28] in (6, 7)
        and head[29:32] == b"\0\0\0"
    )


def _is_edf(head: bytes) -> bool:
    return head[:8] == b"0       " and head[184:192].strip(b" \0").isdigit()


def _is_csv(head: bytes) -> bool:
    """Tell whether bytes are rows of a text table."""
    if b"\0" in head[:512] and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return False
    lines = [line for line in head.splitlines()[:40] if line.strip()]
    if not lines or lines[0].lstrip(b"\xef\xbb\xbf").startswith((b"<", b"{", b"[")):
        return False
    rows = [line for line in lines[:-1] or lines if not line.startswith((b"#", b"%"))]
    numeric = [row for row in rows if _NUMERIC_ROW.fullmatch(row)]
    return len(rows) > 0 and len(numeric) >= max(1, len(rows) // 2)


def _is_image(head: bytes) -> bool:
    return (
        head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"%PDF"))
        or head[:4] + head[8:12] == b"RIFFWEBP"
        or head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif")
        or _xml_root(head) == "svg"
    )


def _is_fhir(head: bytes) -> bool:
    plain = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if _xml_root(head) in ("observation", "bundle", "diagnosticreport"):
        return b"hl7.org/fhir" in plain
    # Members of an object have no order: the type may stand behind the samples.
    told = b'"resourceType"' in plain or b'"valueSampledData"' in plain
    return plain[:1] in (b"{", b"[") and told


_NUMERIC_ROW = re.compile(rb"[-+\d.,;\t eEnNaA'|:\"]*\d[-+\d.,;\t eEnNaA'|:\"]*")

#: every format, in the order in which they are tried
FORMATS: tuple[Format, ...] = (
    Format(
        "wfdb", "WFDB (PhysioNet)", (".hea",), _is_wfdb_header,
        reader="precordia.io.wfdb:read_wfdb", writer="precordia.io.wfdb_write:write_wfdb",
    ),
    Format(
        "dicom", "DICOM waveform", (".dcm", ".dicom"), _is_dicom,
        reader="precordia.io.dicom:read_dicom", writer="precordia.io.dicom_write:write_dicom",
    ),
    Format(
        "edf", "EDF, EDF+, BDF", (".edf", ".bdf", ".rec"),
        lambda head: _is_edf(head) or head.startswith(b"\xffBIOSEMI"),
        reader="precordia.io.edf:read_edf", writer="precordia.io.edf_write:write_edf",
    ),
    Format("scp-ecg", "SCP-ECG (EN 1064)", (".scp",), _is_scp,
           reader="precordia.io.scp_ecg:read_scp_ecg",
           writer="precordia.io.scp_ecg_write:write_scp_ecg"),
    Format(
        "hl7-aecg", "HL7 annotated ECG", (".xml",), _root("annotatedecg"),
        reader="precordia.io.hl7_aecg:read_hl7_aecg",
        writer="precordia.io.hl7_aecg_write:write_hl7_aecg",
    ),
    Format("muse-xml", "GE MUSE XML", (".xml",), _root("restingecg"),
           reader="precordia.io.muse_xml:read_muse_xml"),
    Format("cardiosoft-xml", "GE CardioSoft XML", (".xml",), _root("cardiologyxml"),
           reader="precordia.io.cardiosoft_xml:read_cardiosoft_xml"),
    Format("philips-xml", "Philips SierraECG XML", (".xml",), _root("restingecgdata"),
           reader="precordia.io.philips_xml:read_philips_xml"),
    Format("mortara-xml", "Mortara XML", (".xml",), _root("ecg"),
           reader="precordia.io.mortara_xml:read_mortara_xml"),
    Format("ishne", "ISHNE Holter", (".ecg", ".ann"), is_ishne,
           reader="precordia.io.ishne:read_ishne"),
    Format("mfer", "MFER (Nihon Kohden)", (".mwf", ".mfr", ".mfer"), is_mfer,
           reader="precordia.io.mfer:read_mfer"),
    Format("alivecor-atc", "AliveCor ATC", (".atc",), _starts(b"ALIVE\0\0\0"),
           reader="precordia.io.alivecor_atc:read_alivecor_atc"),
    Format("contec", "Contec ECG90A", (".ecg",), is_contec,
           reader="precordia.io.contec:read_contec"),
    Format("fhir", "FHIR Observation", (".json", ".xml"), _is_fhir,
           reader="precordia.io.fhir:read_fhir", writer="precordia.io.fhir_write:write_fhir"),
    Format("matlab", "MATLAB file", (".mat",), is_matlab,
           reader="precordia.io.matlab:read_matlab", extra="hdf5"),
    Format("hdf5", "HDF5 container", (".h5", ".hdf5"), is_hdf5,
           reader="precordia.io.hdf5:read_hdf5", extra="hdf5"),
    Format("numpy", "NumPy array", (".npz", ".npy"), is_numpy,
           reader="precordia.io.numpy_array:read_numpy_array",
           writer="precordia.io.numpy_array_write:write_numpy_array"),
    Format("parquet", "Parquet table", (".parquet", ".pq"), _starts(b"PAR1"),
           reader="precordia.io.parquet:read_parquet",
           writer="precordia.io.parquet_write:write_parquet", extra="parquet"),
    Format("zarr", "Zarr store", (".zarr",), reader="precordia.io.zarr_store:read_zarr_store",
           extra="zarr"),
    Format("archive", "compressed archive", (".zip", ".gz", ".tar", ".7z"),
           _starts(b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"BZh"),
           advice="Unpack it and read the recording inside."),
    Format("image", "image or document", (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif",
           ".webp", ".heic", ".pdf", ".svg"), _is_image),
    Format("polar-hrm", "Polar exercise", (".hrm",), is_polar_hrm,
           reader="precordia.io.polar_hrm:read_polar_hrm"),
    Format("apple-health-csv", "Apple Health ECG", (), is_apple_health_csv,
           reader="precordia.io.apple_health_csv:read_apple_health_csv"),
    Format("rr", "list of RR intervals", (), is_rr_text,
           reader="precordia.io.rr_series:read_rr"),
    Format("csv", "CSV or TSV table", (".csv", ".tsv", ".txt"), _is_csv,
           reader="precordia.io.csv:read_csv", writer="precordia.io.csv_write:write_csv"),
)  # fmt: skip

_BY_NAME = {row.name: row for row in FORMATS}


def list_formats() -> tuple[str, ...]:
    """List the names of the formats that can be read.

    Returns
    -------
    Names for ``read(path, format=...)``.

    Examples
    --------
    >>> "dicom" in list_formats()
    True
    """
    return tuple(row.name for row in FORMATS if row.reader is not None)


def require_format(name: str) -> Format:
    """Return the row of a format.

    Raises
    ------
    UnknownNameError
        If no format has the name.

    Examples
    --------
    >>> require_format("edf").title
    'EDF, EDF+, BDF'
    """
    try:
        return _BY_NAME[name.lower().replace("_", "-")]
    except (KeyError, AttributeError):
        raise unknown_name("format", str(name), _BY_NAME, listing="list_formats()") from None


def sniff(head: bytes) -> Format | None:
    r"""Recognise a format by its content.

    Parameters
    ----------
    head
        The first bytes of a file; `HEAD_BYTES` of them are enough.

    Returns
    -------
    The format, or None where nothing is recognised.

    Examples
    --------
    >>> sniff(b"\x89PNG\r\n").name
    'image'
    """
    for row in FORMATS:
        if row.magic is not None and row.magic(head):
            return row
    return None


def format_of_suffix(suffix: str) -> Format | None:
    """Return the first format with a file name ending; None where none has it.

    Examples
    --------
    >>> format_of_suffix(".EDF").name
    'edf'
    """
    folded = suffix.lower()
    for row in FORMATS:
        if folded in row.suffixes:
            return row
    return None
