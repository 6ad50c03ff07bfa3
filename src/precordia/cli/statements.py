# SPDX-License-Identifier: Apache-2.0
"""``precordia statements``: the list, and what is known of one that is named in any words."""

from __future__ import annotations

import json as json_text
import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from precordia.cli.options import Json

if TYPE_CHECKING:
    from precordia.knowledge.lexicon import Entry
    from precordia.knowledge.lookup import Match

#: as many statements that occur along with one are printed
_MOST_TOGETHER = 5
#: each in at least so many recordings, and in this share of those with the one
_OFTEN, _SHARE = 10, 0.03

Name = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...", help="A code, name, abbreviation or plain words.", show_default=False
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "statements",
        help="List the statements with their codes, or tell what is known of one.\n\n"
        "Example:  precordia statements\n\n"
        "Example:  precordia statements left bundle branch block",
    )(statements)


def statements(name: Name = None, json: Json = False) -> None:
    """List the statements that rules and models can make, or show those that a name may mean."""
    if name:
        _show(" ".join(name), as_json=json)
        return
    from precordia.knowledge.statements import list_statements

    rows = [s.to_dict() for s in list_statements()]
    if json:
        typer.echo(json_text.dumps({"statements": rows}, ensure_ascii=False))
        return
    for row in rows:
        typer.echo(f"{row['code']:<10} {row['snomed_ct']:<18} {row['name']}")


def _show(text: str, *, as_json: bool) -> None:
    from precordia.core.errors import unknown_name
    from precordia.knowledge.lexicon import find_entry, list_entries
    from precordia.knowledge.lookup import find_statements

    matches = find_statements(text)
    if not matches:
        known = [form for e in list_entries() for form in (e.code, e.name)]
        raise unknown_name("statement", text, known, listing="list_statements()")
    entries = [find_entry(m.code) for m in matches]
    if as_json:
        found = [_held(m, e) for m, e in zip(matches, entries, strict=True)]
        typer.echo(json_text.dumps({"text": text, "found": found}, ensure_ascii=False))
        return
    if len(matches) > 1:
        typer.echo(f"'{text}' may mean {len(matches)} of what is known:")
        for match in matches:
            typer.echo(f"  {match}")
        typer.echo("Give one of the codes to see more, or --json to see all of them.")
        return
    typer.echo("\n".join(_lines(matches[0], entries[0])))


def _held(match: Match, entry: Entry) -> dict[str, Any]:
    return {
        **match.to_dict(),
        "entry": entry.to_dict(),
        "criteria": list(entry.criteria),
        "departures": _departures(entry),
        "excludes": _excluded(entry),
        "found_together": [t.to_dict() for t in _together(entry)],
    }


def _departures(entry: Entry) -> dict[str, str]:
    from precordia.knowledge.criteria import list_criteria

    judged = [c for c in list_criteria() if c.statement in entry.statements]
    return {c.name: c.departure for c in judged if c.departure}


def _excluded(entry: Entry) -> dict[str, str]:
    from precordia.knowledge.exclusions import excluded_by

    return excluded_by(entry.code) if entry.code in entry.statements else {}


def _together(entry: Entry) -> list[Any]:
    from precordia.knowledge.co_occurrence import found_together

    return list(found_together(entry.code)) if entry.scheme == "scp-ecg" else []


def _lines(match: Match, entry: Entry) -> list[str]:
    """Return what is known of one entry, a line or a paragraph each."""
    from precordia.knowledge.statements import find_statement

    codes = ", ".join(f"{scheme} {code}" for scheme, code in entry.codes.items())
    letters = "letter" if match.edits == 1 else "letters"
    spelled = f", {match.edits} {letters} put right" if match.edits else ""
    often = [t for t in _together(entry) if t.n >= _OFTEN and t.share >= _SHARE and t.ppmi > 0]
    together = often[:_MOST_TOGETHER]
    held = {
        "found by": f"{match.how}{spelled}",
        "in German": entry.name_de,
        "means": entry.plain,
        "also called": ", ".join((*entry.abbreviations, *entry.synonyms)),
        "other codes": codes,
        "seen": entry.seen,
        "leads": ", ".join(entry.leads),
        "customary": ", ".join(entry.unsourced)
        + (" (of common use, in none of the sources)" if entry.unsourced else ""),
        "criteria": "; ".join(entry.criteria),
        "departures": "; ".join(f"{name}: {how}" for name, how in _departures(entry).items()),
        "cases of it": ", ".join(str(find_statement(c)) for c in entry.covers),
        "implies": ", ".join(str(find_statement(c)) for c in entry.implies),
        "not with": ", ".join(_excluded(entry)),
        "often with": ", ".join(f"{t.code} {100 * t.share:.0f} %" for t in together)
        + (" of its recordings in PTB-XL" if together else ""),
        "sources": "; ".join(entry.references),
    }
    lines = [str(entry)]
    for label, value in held.items():
        if value:
            lines += textwrap.wrap(
                f"{label:<13}{value}", 98, initial_indent="  ", subsequent_indent=" " * 15
            )
    return lines
