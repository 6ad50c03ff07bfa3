# SPDX-License-Identifier: Apache-2.0
"""FHIR resources from files that nobody vouches for, JSON or XML, as one kind of tree."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn
from xml.etree.ElementTree import Element

from precordia.core.errors import FormatError
from precordia.io.safe_xml import parse_xml

Node = dict[str, Any]
#: larger texts are refused
MAX_JSON_BYTES = 256 << 20
#: a recording is a few long strings, and has fewer objects, lists and commas
_MOST_PARTS = 2_000_000
_DEEPEST = 60
#: longer names are cut
_NAME_LENGTH = 80


def load_resources(content: bytes, *, name: str) -> list[Node]:
    r"""Return the resources of a file: one, or several where JSON texts follow one another.

    Parameters
    ----------
    content
        The whole file: JSON (UTF-8, UTF-16 or UTF-32) or XML.
    name
        Name of the file, for the error sentences.

    Returns
    -------
    Resources with their type under ``resourceType``. Numbers are texts as they stand in the file.

    Raises
    ------
    FormatError
        If the text is too large, too deep, not well formed, or no resource.

    Examples
    --------
    >>> load_resources(b'{"resourceType": "Observation", "status": "final"}', name="a.json")
    [{'resourceType': 'Observation', 'status': 'final'}]
    >>> load_resources(b'<Observation><status value="final"/></Observation>', name="a.xml")
    [{'resourceType': 'Observation', 'status': 'final'}]
    """
    start = content[:200].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start.startswith(b"<"):
        return [_of_xml(parse_xml(content, name=name), name)]
    if len(content) > MAX_JSON_BYTES:
        raise FormatError(
            f"'{name}' is a JSON text of {len(content):,} bytes; at most {MAX_JSON_BYTES:,} are "
            "read. Export a shorter recording."
        )
    if sum(map(content.count, (b"[", b"{", b","))) > _MOST_PARTS:
        raise FormatError(
            f"'{name}' has more than {_MOST_PARTS:,} entries, which no FHIR recording has. Export "
            "a shorter one, or each recording as a file of its own."
        )
    try:
        text = content.decode(json.detect_encoding(content)).lstrip("\ufeff")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"'{name}' is not the {error.encoding} text that JSON is (byte {error.start}). The "
            "file is damaged or was converted wrongly: export it again."
        ) from None
    found = _of_json(text, name)
    for resource in found:
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            raise FormatError(
                f"'{name}' is a JSON text and no FHIR resource, which names its resourceType. "
                "Export it again, or read it with the format= that it has."
            )
        _check_depth(resource, name)
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"the constant {constant}, which is no JSON")


def _of_json(text: str, name: str) -> list[Any]:
    decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_refuse)
    found: list[Any] = []
    at = len(text) - len(text.lstrip())
    try:
        while at < len(text):
            resource, at = decoder.raw_decode(text, at)
            found += resource if isinstance(resource, list) else [resource]
            while at < len(text) and text[at] in " \t\r\n":
                at += 1
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, ValueError) else "nested too deeply"
        raise FormatError(
            f"'{name}' is not well-formed JSON ({why[:100]}). The file is cut or damaged: copy or "
            "export it again."
        ) from None
    return found


def _check_depth(resource: Node, name: str) -> None:
    level: list[Any] = [resource]
    for _ in range(_DEEPEST):
        level = [
            inner
            for node in level
            for inner in (node.values() if isinstance(node, dict) else node)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise _too_deep(name)


def _too_deep(name: str) -> FormatError:
    return FormatError(
        f"'{name}' nests more than {_DEEPEST} entries in one another, which no FHIR recording "
        "does. The file is damaged: export it again."
    )


def _of_xml(root: Element, name: str) -> Node:
    node = _node_of(root, 0, name)
    if not isinstance(node, dict):
        node = {}
    return {"resourceType": root.tag, **node}


def _node_of(element: Element, depth: int, name: str) -> Any:
    if depth > _DEEPEST:
        raise _too_deep(name)
    if element.tag == "div":  # the narrative for people
        return ""
    children = list(element)
    value = element.get("value")
    if value is not None and all(child.tag == "extension" for child in children):
        return value
    if len(children) == 1 and children[0].tag[:1].isupper():  # a resource within another
        inner = _node_of(children[0], depth + 1, name)
        return {"resourceType": children[0].tag, **(inner if isinstance(inner, dict) else {})}
    node: Node = {}
    for key in ("id", "url"):
        if key in element.attrib:
            node[key] = element.attrib[key]
    for child in children:
        inner = _node_of(child, depth + 1, name)
        if child.tag in node:
            before = node[child.tag]
            if isinstance(before, list):
                before.append(inner)
            else:
                node[child.tag] = [before, inner]
        else:
            node[child.tag] = inner
    return node


def nodes(node: Any, key: str) -> list[Node]:
    """Return the objects under a key, be it one or a list.

    Examples
    --------
    >>> nodes({"coding": {"code": "1"}}, "coding"), nodes({}, "coding")
    ([{'code': '1'}], [])
    """
    held = node.get(key) if isinstance(node, dict) else None
    listed = held if isinstance(held, list) else [held]
    return [inner for inner in listed if isinstance(inner, dict)]


def node_at(node: Any, *keys: str) -> Node:
    """Return the object at the end of a path of keys, the first where there are several.

    Examples
    --------
    >>> node_at({"subject": {"identifier": {"value": "7"}}}, "subject", "identifier")
    {'value': '7'}
    """
    for key in keys:
        node = next(iter(nodes(node, key)), {})
    return node


def raw_text(node: Any, key: str) -> str:
    """Return the text under a key as it is, or an empty one.

    Examples
    --------
    >>> raw_text({"data": "1 2"}, "data"), raw_text({}, "data")
    ('1 2', '')
    """
    held = node.get(key) if isinstance(node, dict) else None
    if isinstance(held, list):
        held = next((inner for inner in held if isinstance(inner, str)), None)
    return held if isinstance(held, str) else ""


def text_at(node: Any, *keys: str, longest: int = _NAME_LENGTH) -> str:
    r"""Return a text at the end of a path, printable, in single spaces and not too long.

    Examples
    --------
    >>> text_at({"code": {"text": "Lead\n II"}}, "code", "text")
    'Lead II'
    """
    text = raw_text(node_at(node, *keys[:-1]), keys[-1])
    spaced = " ".join(text[: 4 * longest].split())
    return "".join(c for c in spaced if c.isprintable())[:longest].strip()


def number_at(node: Any, *keys: str) -> float:
    """Return the number at the end of a path; NaN where there is none.

    Examples
    --------
    >>> number_at({"origin": {"value": "2048"}}, "origin", "value")
    2048.0
    """
    text = raw_text(node_at(node, *keys[:-1]), keys[-1]).strip()
    try:
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
