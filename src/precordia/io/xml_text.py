# SPDX-License-Identifier: Apache-2.0
"""What the elements of an XML tree say, as text and as numbers."""

from __future__ import annotations

import math
import re
from xml.etree.ElementTree import Element

_NUMBER = re.compile(r"[-+]?(\d{1,15}(\.\d*)?|\.\d+)([eE][-+]?\d{1,2})?")
#: a comma before three digits may also part thousands
_COMMA = re.compile(r"[-+]?(0,\d{1,15}|\d{1,15},(\d{1,2}|\d{4,15}))")


def text_at(element: Element | None, path: str = "") -> str:
    """Return the text of an element or of its first descendant on a path; empty without one.

    Examples
    --------
    >>> from xml.etree.ElementTree import fromstring
    >>> text_at(fromstring("<a><b> c  d </b></a>"), "b"), text_at(fromstring("<a/>"), "b")
    ('c d', '')
    """
    found = element.find(path) if path and element is not None else element
    if found is None or not found.text:
        return ""
    return " ".join(found.text.split())


def number_at(element: Element | None, path: str = "") -> float:
    """Return the number in an element or in its first descendant on a path; NaN without one.

    Examples
    --------
    >>> from xml.etree.ElementTree import fromstring
    >>> number_at(fromstring("<a><b>4.88</b></a>"), "b"), number_at(fromstring("<a>Failed</a>"))
    (4.88, nan)
    >>> number_at(fromstring("<a>4,88</a>")), number_at(fromstring("<a>5,000</a>"))
    (4.88, nan)
    """
    text = text_at(element, path)
    if _COMMA.fullmatch(text):
        text = text.replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else math.nan
