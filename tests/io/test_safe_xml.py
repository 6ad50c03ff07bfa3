# SPDX-License-Identifier: Apache-2.0
"""XML that harms is refused; XML as devices write it is read."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from precordia.core.errors import FormatError
from precordia.io.safe_xml import parse_xml

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha">'
    + "".join(f'<!ENTITY x{k} "{f"&x{k - 1 or str()};" * 10}">' for k in range(1, 10))
    + "]><a>&x9;</a>"
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a SYSTEM "a.dtd" [<!ENTITY % p SYSTEM "http://127.0.0.1/p">%p;]><a/>',
        "<!-- note --><!DOCTYPE a [\n<!ATTLIST a b CDATA 'c'>]><a/>",
        "<a>&unknown;</a>",
        "<a><b></a>",
        "<a/><a/>",
        "",
        "no markup",
    ],
)
def test_harmful_or_broken_texts_are_refused_in_a_sentence(text):
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(FormatError, match=r"'x\.xml'"):
        parse_xml(text.encode(), name="x.xml")
    assert time.perf_counter() - start < 1
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def test_a_named_dtd_is_skipped_and_never_fetched():
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>\r\n<!DOCTYPE R SYSTEM "restecg.dtd">\r\n'
    assert parse_xml((text + "<R>\xe9</R>").encode("latin-1"), name="x").text == "é"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("declared", ["", '<?xml version="1.0" encoding="utf-16"?>'])
def test_every_encoding_of_the_devices_is_read(encoding, declared):
    content = f"{declared}<R><a>µV é</a></R>".encode(encoding)
    assert parse_xml(content, name="x").findtext("a") == "µV é"


@pytest.mark.parametrize(
    ("declared", "encoding", "name"),
    [
        ("ISO-8859-2", "iso-8859-2", "Łódź"),
        ("windows-1251", "cp1251", "Иван"),
        ("GB2312", "gbk", "李镕"),  # the second sign is one of GBK alone
        ("Shift_JIS", "cp932", "髙田"),
        ("EUC-KR", "euc_kr", "김"),
        ("windows-1254", "cp1254", "Gülşen"),
        ("US-ASCII", "utf-8", "Zoë"),
    ],
)
def test_encodings_of_the_world_are_read_as_declared(declared, encoding, name):
    text = f'<?xml version="1.0" encoding="{declared}"?><R>{name} 1</R>'
    assert parse_xml(text.encode(encoding), name="x").text == f"{name} 1"


@pytest.mark.parametrize("declared", ["", '<?xml version="1.0" encoding="UTF-8"?>'])
def test_a_text_that_only_says_to_be_utf_8_is_read(declared):
    content = f"{declared}<R><a>Müller</a><b>1 2</b></R>".encode("latin-1")
    root = parse_xml(content, name="x")
    assert (root.findtext("a"), root.findtext("b")) == ("Müller", "1 2")


def test_an_unknown_encoding_is_named():
    with pytest.raises(FormatError, match="'EBCDIC-CP-US'"):
        parse_xml(b'<?xml version="1.0" encoding="EBCDIC-CP-US"?><R/>', name="x")


def test_namespaces_do_not_stand_in_the_names():
    root = parse_xml(b'<p:a xmlns:p="urn:p" xmlns:q="urn:q" q:t="1"><p:b/></p:a>', name="x")
    assert (root.tag, root.attrib, root[0].tag) == ("a", {"t": "1"}, "b")


def test_deeply_nested_elements_do_not_crash():
    depth = 200_000
    root = parse_xml(b"<a>" * depth + b"</a>" * depth, name="x")
    assert sum(1 for _ in root.iter()) == depth
