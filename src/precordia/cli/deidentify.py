# SPDX-License-Identifier: Apache-2.0
"""``precordia deidentify``: copies without the patient, verified."""

from __future__ import annotations

import json as json_text
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from precordia.cli.options import Force, Json, Reading, reads
from precordia.cli.problems import say_problems
from precordia.cli.progress import progress

if TYPE_CHECKING:
    from precordia.deidentification.many_copies import CopyOutcome

HELP = """Write copies without the patient: names, staff, places, free text and unknown entries go,
dates shift by the same days in all recordings of a patient, identifiers become pseudonyms.

Each copy is read back and its bytes are searched for everything that was removed; one that still
holds something is not kept. A folder becomes a folder of copies with names that tell nothing. With
--key the pseudonyms are the same in every run; keep that file as secret as the recordings. Marks
drawn into pictures and voices are no part of a recording and are not looked for.

Examples:  precordia deidentify ward.dcm copy.dcm
           precordia deidentify ward/ copies/ --key secret.key --to wfdb
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("deidentify", help=HELP)(reads(run))


def run(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A recording, or a folder.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The copy, or a folder.")],
    key: Annotated[
        Path | None,
        typer.Option("--key", help="Key file for the same pseudonyms again; made if it is new."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Format of the copies, where they should not keep theirs.")
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            help="Write which original became which copy, as CSV (added to where a run left one). "
            "It is confidential."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes (folders).")] = 1,
    force: Force = False,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Copy one file or a folder."""
    from precordia.deidentification.mapping import Mapping
    from precordia.deidentification.pseudonyms import load_key, make_key

    if source.is_dir() and key is None and not force:
        _check_alone(target)
    secret = load_key(key) if key is not None else make_key()
    table = None if mapping is None else Mapping(mapping, overwrite=force)
    outcomes = []
    if source.is_dir():
        made = _folder(source, target, secret, to, jobs, force, json, reading)
    else:
        made = iter([_file(source, target, secret, to, force, reading)])
    for outcome in made:
        outcomes.append(outcome)
        if table is not None and outcome.copy is not None:
            table.add(outcome.source, outcome.copy.path, outcome.copy.pseudonym)
    _say(outcomes, as_json=json)
    if all(o.status == "failed" for o in outcomes):
        raise typer.Exit(2)


def _file(source, target, secret, to, force, options) -> CopyOutcome:
    from precordia.deidentification.copies import deidentify_file
    from precordia.deidentification.many_copies import CopyOutcome
    from precordia.deidentification.pseudonyms import Pseudonyms

    copy = deidentify_file(
        source, target, pseudonyms=Pseudonyms(secret), to=to, overwrite=force, **options
    )
    return CopyOutcome(source=str(source), status="done", copy=copy)


def _folder(source, target, secret, to, jobs, force, quiet, options) -> Iterator[CopyOutcome]:
    from precordia.core.errors import FormatError, OutputError
    from precordia.deidentification.many_copies import deidentify_many
    from precordia.io.find import find_recordings

    files = list(find_recordings(source))
    if not files:
        raise FormatError(
            f"no recording was found in '{source}'. Name a folder that holds some; 'precordia "
            "formats' lists what is read."
        )
    if target.resolve().is_relative_to(source.resolve()):
        raise OutputError(
            f"'{target}' is inside '{source}': copies would lie among the originals. Choose a "
            "folder elsewhere."
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder '{target}' cannot be made ({error.strerror}). Choose another."
        ) from error
    with progress("de-identifying", len(files), quiet=quiet) as advance:
        for outcome in deidentify_many(
            files, source, target, key=secret, to=to, n_jobs=jobs, overwrite=force, options=options
        ):
            advance(failed=outcome.status == "failed")
            yield outcome


def _check_alone(target: Path) -> None:
    """Refuse to lay copies with new pseudonyms among those of another run."""
    from precordia.core.errors import OutputError

    if target.is_dir() and any(target.iterdir()):
        raise OutputError(
            f"'{target}' is not empty, and without a key the pseudonyms of this run differ from "
            "those of any other. Name the key of the earlier run with --key, or another folder."
        )


def _say(outcomes: list[CopyOutcome], *, as_json: bool) -> None:
    if as_json:
        counts = {s: sum(o.status == s for o in outcomes) for s in ("done", "skipped", "failed")}
        copies = [o.copy.to_dict() for o in outcomes if o.copy]
        problems = [{"file": o.source, "problem": o.problem} for o in outcomes if o.problem]
        told = {**counts, "copies": copies, "problems": problems}
        typer.echo(json_text.dumps(told, ensure_ascii=False))
        return
    say_problems((o.source, o.problem) for o in outcomes if o.status == "failed")
    for o in outcomes:
        if o.copy is not None:
            typer.echo(str(o.copy))
            for loss in o.copy.lost:
                typer.echo(f"note: {loss}", err=True)
    if len(outcomes) > 1:
        done, failed = (sum(o.status == s for o in outcomes) for s in ("done", "failed"))
        typer.echo(
            f"{done} copied and verified, {len(outcomes) - done - failed} were there already, "
            f"{failed} could not be copied."
        )
