# SPDX-License-Identifier: Apache-2.0
"""``precordia ask``: a question about a recording, answered with its evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from precordia.cli.options import File, Json, Reading, load, reads, show

if TYPE_CHECKING:
    from precordia.core.study import Study
    from precordia.questions.answer import Answer
    from precordia.questions.mirage_trial import CheckedAnswer

HELP = """Answer a question about a recording, with the evidence, or say that it cannot be told.

With --backend a language model phrases the answer: it sees facts without identifiers, cannot change
the answer, and what it writes is kept only where it is true of the recording (docs/language.md).

Examples:  precordia ask ecg.dcm "Is the QRS wide?"
           precordia ask today.dcm "What changed?" --previous last_year.dcm
           precordia ask ecg.dcm "Is there atrial fibrillation?" --check
           precordia ask ecg.dcm "Is the QRS wide?" --backend endpoint
             --set base_url=http://localhost:8080/v1 --set model=NAME
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ask", help=HELP)(reads(run))


def run(
    file: File,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="In English, in quotes.", show_default=False)
    ],
    previous: Annotated[
        Path | None,
        typer.Option("--previous", help="An earlier recording, for questions about change."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Ask again of counterfeits: does the answer rest on it?"),
    ] = False,
    backend: BackendName = "none",
    choose: BackendOptions = None,
    remote: Remote = False,
    similar_in: SimilarIn = None,
    keep_unverified: KeepUnverified = False,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Read, examine, answer."""
    from precordia.core.errors import OptionError
    from precordia.pipeline import examine
    from precordia.questions.answer import answer

    asked = chosen_backend(backend, choose, remote=remote)
    if asked is not None and check:
        raise OptionError("--check is for answers without a language model; leave out --backend.")
    record = load(file, reading)
    others = alike(record, similar_in, asked)
    study = examine(record)
    earlier = examine(load(previous, reading)) if previous is not None else None
    if asked is not None:
        from precordia.language.phrase import phrase_answer

        phrased = phrase_answer(
            asked, study, question, earlier, flag=keep_unverified, similar=others
        )
        show(phrased, as_json=json)
        return
    told = answer(study, question, earlier)
    show(_checked(told, study, earlier) if check else told, as_json=json)


def _checked(told: Answer, study: Study, earlier: Study | None) -> CheckedAnswer:
    """Ask the same of counterfeits of the recording."""
    from precordia.generation.strangers import list_strangers
    from precordia.pipeline import examine
    from precordia.questions.engine_responder import EngineResponder
    from precordia.questions.mirage_check import mirage_check
    from precordia.questions.mirage_trial import CheckedAnswer

    responder = EngineResponder(examine)
    check = mirage_check(
        responder,
        study.record,
        told.question,
        previous=None if earlier is None else earlier.record,
        others=list_strangers(),
        examine=responder.study_of,
    )
    return CheckedAnswer(answer=told, check=check)
