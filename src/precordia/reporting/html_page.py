# SPDX-License-Identifier: Apache-2.0
"""The frame of every page: one style, nothing fetched from outside."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_STYLE = """
:root{color-scheme:light;--ink:#1d2327;--soft:#5d6870;--line:#d9dfe3;--accent:#9b1c31;--ok:#17693a}
*{box-sizing:border-box}body{margin:0;background:#f5f6f7;color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px}
h1{font-size:1.5rem;margin:0 0 .2rem}h2{font-size:1.05rem;margin:0 0 .6rem}
p{margin:.2rem 0}.soft{color:var(--soft)}section{background:#fff;border:1px solid var(--line);
border-radius:8px;padding:18px 20px;margin:16px 0}
.ecg{padding:8px;overflow-x:auto}.ecg svg{width:100%;height:auto;min-width:760px;display:block}
.cols{display:grid;grid-template-columns:1fr 1fr;gap:16px}.cols section{margin:0}
@media(max-width:860px){.cols{grid-template-columns:1fr}}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:3px 10px 3px 0;
border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:600;color:var(--soft);
font-size:.85rem}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.ok{color:var(--ok);font-weight:600}.bad{color:var(--accent);font-weight:600}
.finding{padding:8px 0;border-bottom:1px solid var(--line)}.finding:last-child{border:0}
.finding b{font-size:1.02rem}
h3{font-size:.85rem;margin:.8rem 0 0;color:var(--soft);text-transform:uppercase}
.classes{display:flex;gap:10px;margin:.4rem 0}.classes span{flex:1;font-size:.85rem;
font-variant-numeric:tabular-nums}.classes i{display:block;height:4px;border-radius:2px;
background:currentColor;min-width:1px}.withdrawn b{text-decoration:line-through}
.code{color:var(--soft);font-size:.85rem}
ul{margin:.2rem 0;padding-left:1.2rem}details{margin-top:.6rem}summary{cursor:pointer;
color:var(--soft)}.notice{border-left:4px solid var(--accent);padding:.4rem .8rem;background:#fff}
@media print{body{background:#fff}main{max-width:none;padding:0}section{break-inside:avoid}}
"""


def html_page(title: str, body: Iterable[str], *, style: str = "") -> str:
    """Return a self-contained HTML document.

    Parameters
    ----------
    title
        Title of the window, as plain text.
    body
        Parts in HTML.
    style
        Rules in CSS beyond those of every page.

    Examples
    --------
    >>> html_page("a < b", ["<p>text</p>"]).startswith("<!doctype html>")
    True
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} – precordia</title><style>{_STYLE}{style}</style></head>"
        "<body><main>" + "".join(body) + "</main></body></html>\n"
    )
