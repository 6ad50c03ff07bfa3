# SPDX-License-Identifier: Apache-2.0
"""Elements of an HL7 aECG as text."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from precordia.io.hl7_aecg_codes import ACT_CODE, MDC

_NAMES = {MDC: "MDC", ACT_CODE: "ActCode"}
#: what XML 1.0 cannot hold
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def element(tag: str, *inner: str) -> str:
    """Return an element without attributes around others.

    Examples
    --------
    >>> element("a", "<b/>", "")
    '<a><b/></a>'
    """
    content = "".join(inner)
    return f"<{tag}>{content}</{tag}>" if content else f"<{tag}/>"


def code(value: str, system: str, *, tag: str = "code", kind: str = "") -> str:
    """Return a coded element.

    Examples
    --------
    >>> code("RHYTHM", ACT_CODE)
    '<code code="RHYTHM" codeSystem="2.16.840.1.113883.5.4" codeSystemName="ActCode"/>'
    """
    typed = f' xsi:type="{kind}"' if kind else ""
    named = f' codeSystemName="{_NAMES[system]}"' if system in _NAMES else ""
    spelled = quoteattr(plain(value, escaped=False))
    return f'<{tag}{typed} code={spelled} codeSystem="{system}"{named}/>'


def plain(text: str, *, escaped: bool = True) -> str:
    """Return a text with single spaces and without what XML cannot hold.

    Examples
    --------
    >>> plain("ST < 1 mm")
    'ST &lt; 1 mm'
    """
    kept = " ".join(_FORBIDDEN.sub("", text).split())
    return escape(kept) if escaped else kept
