# SPDX-License-Identifier: Apache-2.0
"""``precordia report``: words about a recording, each sentence made of claims."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.language_model import (
    BackendName,
    BackendOptions,
    KeepUnverified,
    Remote,
    SimilarIn,
    alike,
    chosen_backend,
)
from precordia.cli.options import File, Force, Json, Reading, reads

HELP = """Write a report: every sentence is made of claims that the measurements bear out.

--previous compares with an earlier recording of the same patient; one of another patient is not
compared, and the report says so. With --json the report comes with the claims of each sentence and
its grounding: how many claims hold, and whether all findings are told. --check TEXT scores a text
that this command wrote, with the same flags, and somebody may have altered. Flags that say how a
file is read hold for both recordings. Nothing that identifies the patient is printed but with
--identifiers.

With --backend a language model phrases the report: it sees facts without identifiers, and what it
writes is kept only where it is true of the recording (docs/language.md).

Examples:  precordia report ecg.dcm --style paragraph --language de --previous last-year.dcm
           precordia report ecg.dcm --backend endpoint --set base_url=http://localhost:8080/v1
             --set model=NAME
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report", help=HELP)(reads(run))


def run(
    file: File,
    style: Annotated[
        str, typer.Option("--style", help="short, structured or paragraph.")
    ] = "structured",
    language: Annotated[
        str, typer.Option("--language", help="en (English) or de (German).")
    ] = "en",
    previous: Annotated[
        Path | None, typer.Option("--previous", help="An earlier recording to compare with.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="TEXT", help="Score this text against the recording."),
    ] = None,
    identifiers: Annotated[
        bool, typer.Option("--identifiers", help="Print the patient's identifier and name.")
    ] = False,
    backend: BackendName = "none",
    choose: BackendOptions = None,
    remote: Remote = False,
    similar_in: SimilarIn = None,
    keep_unverified: KeepUnverified = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file.")
    ] = None,
    force: Force = False,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Examine, write, score."""
    from precordia.core.errors import OptionError, OutputError
    from precordia.pipeline import examine
    from precordia.reporting.grounding import score_grounding
    from precordia.reporting.report import report
    from precordia.reporting.wording import check_words

    check_words(language, style)
    if output is not None and output.exists() and not force:
        raise OutputError(
            f"'{output}' exists and was left as it is. "
            "Choose another name, or overwrite with --force."
        )
    asked = chosen_backend(backend, choose, remote=remote)
    if asked is not None and (check is not None or identifiers):
        raise OptionError(
            "--check and --identifiers are for reports without a language model, which sees no "
            "identifiers. Leave out --backend, or leave them out."
        )
    given = _text(check)
    study = examine(file, **reading)
    others = alike(study.record, similar_in, asked)
    before = None if previous is None else examine(previous, **reading)
    if asked is not None:
        from precordia.language.phrase import phrase_report

        phrased = phrase_report(
            asked, study, style, language, before, flag=keep_unverified, similar=others
        )
        _give(phrased.to_json() if json else str(phrased), output, force=force, json=json)
        return
    written = report(study, style, previous=before, language=language, identifiers=identifiers)
    score = score_grounding(written, study, previous=before, text=given)
    if json:
        said = json_text.dumps(
            {**written.to_dict(), "text": str(written), "grounding": score.to_dict()},
            ensure_ascii=False,
        )
    else:
        said = str(score if check is not None else written)
    _give(said, output, force=force, json=json)


def _give(said: str, output: Path | None, *, force: bool, json: bool) -> None:
    """Print a text, or write it and print where."""
    from precordia.core.output import write_text_whole

    if output is None:
        typer.echo(said)
    else:
        write_text_whole(said + "\n", output, overwrite=force)
        typer.echo(json_text.dumps({"output": str(output)}) if json else str(output))


def _text(path: Path | None) -> str | None:
    """Return the text to be scored."""
    from precordia.core.errors import FormatError, MissingFileError

    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingFileError(f"there is no file '{path}'. Give a text file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(
            f"'{path}' cannot be read as text in UTF-8. Give a text that 'precordia report' wrote."
        ) from error
