# SPDX-License-Identifier: Apache-2.0
"""XML from files that nobody vouches for: no entities, no DTD, nothing fetched, a bounded size."""

from __future__ import annotations

import codecs
import re
from xml.etree import ElementTree

from precordia.core.errors import FormatError

#: larger texts are refused
MAX_XML_BYTES = 256 << 20
#: what stands before the root element is shorter
_PROLOG_BYTES = 1 << 16
#: UTF, and what devices of western and central Europe, Russia, Greece, Turkey and East Asia write
_ENCODINGS = frozenset(
    {"utf-8", "ascii", "utf-16", "utf-16-le", "utf-16-be",
     "iso8859-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-9", "iso8859-15",
     "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "koi8-r",
     "gb2312", "gbk", "gb18030", "big5", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949"}
)  # fmt: skip
#: encodings that texts are read in instead: all that they can write, and what devices add to it
_WIDER = {
    "ascii": "utf-8", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932",
    "euc_kr": "cp949",
}  # fmt: skip
#: what a text is read in that declares nothing, or UTF-8, and is not UTF-8: an older device
_FALLBACK = "cp1252"
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARATION = re.compile(r"\s*<\?xml\b[^>]{0,200}\?>")
_DECLARED = re.compile(rb"""^\s*<\?xml\b[^>]{0,150}encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_BEFORE_ROOT = re.compile(r"\s+|<!--.*?-->|<\?.*?\?>", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE[^<>\[]{0,1000}>")


def parse_xml(content: bytes, *, name: str) -> ElementTree.Element:
    r"""Parse an XML text whose author is not trusted.

    Parameters
    ----------
    content
        The whole file: UTF-8, UTF-16 with or without a byte order mark, or another encoding that
        it declares and devices use.
    name
        Name of the file, for the error sentences.

    Returns
    -------
    The root element. Names of elements and attributes are without their namespace.

    Raises
    ------
    FormatError
        If the text is too large, not well formed, of another encoding, or declares entities.

    Notes
    -----
    A document type that only names a DTD is skipped and never fetched. One with declarations of
    its own is refused: entities can make a few bytes into gigabytes, or read other files. A text
    that is not the UTF-8 that it should be is read as Windows-1252, which is right for western
    names and leaves numbers and markup, which are ASCII, as they are.

    Examples
    --------
    >>> parse_xml(b'<a xmlns="urn:x"><b c="1">2</b></a>', name="a.xml").find("b").text
    '2'
    """
    if len(content) > MAX_XML_BYTES:
        raise FormatError(
            f"'{name}' is an XML text of {len(content):,} bytes; at most {MAX_XML_BYTES:,} are "
            "read. Export a shorter recording."
        )
    encoding, start = _encoding(content, name)
    if content.isascii() and not encoding.startswith("utf-16"):  # then nothing need be copied
        head = content[:_PROLOG_BYTES].decode("ascii")
        text = memoryview(content)[_prolog_end(head, name) :]
    else:
        decoded = _decoded(content, encoding, start, name)
        text = decoded[_prolog_end(decoded, name) :]
    try:
        parser = ElementTree.XMLParser()
        parser.feed(text)
        root = parser.close()
    except (ElementTree.ParseError, ValueError) as error:
        raise FormatError(
            f"'{name}' is not well-formed XML ({error}). The file is cut or damaged: copy or "
            "export it again."
        ) from None
    for element in root.iter():
        tag = element.tag
        if "}" in tag:
            element.tag = tag[tag.index("}") + 1 :]
        for key in element.keys():  # noqa: SIM118 - an element is no dict
            if "}" in key:  # of keys that become alike, the last counts
                element.set(key[key.index("}") + 1 :], element.attrib.pop(key))
    return root


def _decoded(content: bytes, encoding: str, start: int, name: str) -> str:
    try:
        return content[start:].decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8" and start == 0:
            return content.decode(_FALLBACK, "replace")
        raise FormatError(
            f"'{name}' is not the {encoding} text that it says it is (byte {error.start}). The "
            "file is damaged or was converted wrongly: export it again."
        ) from None


def _encoding(content: bytes, name: str) -> tuple[str, int]:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding, len(mark)
    if content[:2] == b"<\0":
        return "utf-16-le", 0
    if content[:2] == b"\0<":
        return "utf-16-be", 0
    declared = _DECLARED.match(content[:256])
    if declared is None:
        return "utf-8", 0
    spelled = declared.group(1).decode("ascii")
    try:
        encoding = codecs.lookup(spelled).name
    except LookupError:
        encoding = ""
    if encoding not in _ENCODINGS:
        raise FormatError(
            f"'{name}' is in the encoding '{spelled}', which is not read. Save it as UTF-8."
        )
    # Without a mark and with one-byte characters the text cannot be UTF-16, whatever it declares.
    return ("utf-8" if encoding.startswith("utf-16") else _WIDER.get(encoding, encoding)), 0


def _prolog_end(text: str, name: str) -> int:
    """Return where the root element begins."""
    declaration = _DECLARATION.match(text)
    at = declaration.end() if declaration else 0
    while at < len(text):
        skipped = _BEFORE_ROOT.match(text, at) or _DOCTYPE.match(text, at)
        if skipped is None:
            break
        at = skipped.end()
    if text.startswith("<!", at):
        raise FormatError(
            f"'{name}' declares entities or a document type of its own, which is refused because "
            "such declarations can harm whoever reads them. Remove everything between '<!DOCTYPE' "
            "and the first element."
        )
    return at
