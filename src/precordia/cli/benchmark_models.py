# SPDX-License-Identifier: Apache-2.0
"""``precordia benchmark``: ``classification``, ``protocol``, ``table`` and ``plot``."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from precordia.cli.options import Force, Json

_HELPS = {
    "classification": (
        "Score models on the labels of a database, beside controls and plain baselines.\n\n"
        "Penalty, epoch and thresholds are chosen on validation records; the test records are "
        "opened after that. Rows are appended to OUTPUT/rows.jsonl, and runs that are there are "
        "not made again.\n\n"
        "Example:  precordia benchmark classification --data ptbxl=PTBXL --task superclass "
        "--model resnet1d --mode linear --baseline age-sex --output RESULTS"
    ),
    "table": (
        "Print the table of a benchmark's rows.\n\n"
        "Example:  precordia benchmark table RESULTS --format markdown"
    ),
    "plot": (
        "Draw a benchmark's rows: scores, label efficiency, calibration, robustness, subgroups.\n\n"
        "Example:  precordia benchmark plot RESULTS --output PICTURES"
    ),
    "protocol": (
        "Run a published set of tasks on the databases that are here; say what is missing.\n\n"
        "Example:  precordia benchmark protocol ptbxl --data ptbxl=PTBXL --model resnet1d "
        "--output RESULTS"
    ),
}
Data = Annotated[
    list[str], typer.Option("--data", help="NAME=FOLDER of a database, or a store. May come again.")
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="Architecture (random weights) or folder. May come again."),
]
Modes = Annotated[
    list[str] | None,
    typer.Option(
        "--mode", help="linear, attention, finetune, scratch or zero-shot. May come again."
    ),
]
Baselines = Annotated[
    list[str] | None,
    typer.Option("--baseline", help="age-sex, measurements, rules or all. May come again."),
]
Labels = Annotated[
    list[str] | None,
    typer.Option("--labels", help="Share of patients whose labels are used. May come again."),
]
Seeds = Annotated[int, typer.Option("--seeds", help="How many seeds.")]
Controls = Annotated[
    bool,
    typer.Option("--controls/--no-controls", help="Random weights and from scratch beside."),
]
Folds = Annotated[
    str | None,
    typer.Option("--folds", help="Such as train=1-7,valid=8,test=9; valid=carve carves."),
]
Output = Annotated[Path, typer.Option("--output", help="Folder of rows and answers.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="NAME=VALUE of the training loop, such as epochs=20."),
]
ModelOptions = Annotated[
    list[str] | None,
    typer.Option("--model-option", help="NAME=VALUE of the architecture, such as width=16."),
]
Rows = Annotated[Path, typer.Argument(metavar="ROWS", help="rows.jsonl, or its folder.")]


def add_to(group: typer.Typer) -> None:
    """Add the commands to the group."""
    for name, command in (
        ("classification", classification),
        ("protocol", protocol),
        ("table", table),
        ("plot", plot),
    ):
        group.command(name, help=_HELPS[name])(command)


def classification(
    data: Data,
    output: Output,
    task: Annotated[str | None, typer.Option(help="Which labels; see the card.")] = None,
    model: Models = None,
    mode: Modes = None,
    baseline: Baselines = None,
    labels: Labels = None,
    seeds: Seeds = 1,
    controls: Controls = True,
    folds: Folds = None,
    cross_validate: Annotated[
        int, typer.Option("--cross-validate", help="Folds of patients; 0 for none.")
    ] = 0,
    split_seed: Annotated[int, typer.Option(help="Seed of divisions that are drawn.")] = 0,
    lead_subsets: Annotated[
        bool, typer.Option("--lead-subsets", help="Also with leads taken away.")
    ] = False,
    noise: Annotated[
        Path | None, typer.Option("--noise", help="Folder of the noise stress test.")
    ] = None,
    subgroups: Annotated[
        bool, typer.Option("--subgroups", help="Also by sex, age and device.")
    ] = False,
    challenge_weights: Annotated[
        Path | None, typer.Option("--challenge-weights", help="The organisers' weights.csv.")
    ] = None,
    min_records: Annotated[
        int, typer.Option(help="Fewer positives or negatives leave a class out of means.")
    ] = 10,
    input: Annotated[
        Path | None, typer.Option("--input", help="TOML with an [input] for the models.")
    ] = None,
    set: Settings = None,
    model_option: ModelOptions = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="NAME=VALUE for the loader, such as fs=500."),
    ] = None,
    json: Json = False,
) -> None:
    """Score models on one database."""
    from precordia.benchmarking.classification import benchmark_classification
    from precordia.benchmarking.result_tables import table_as_text

    if len(data) != 1:
        raise typer.BadParameter("classification takes one --data; protocol takes several.")
    rows = benchmark_classification(
        data[0],
        output,
        _options(
            model,
            mode,
            baseline,
            labels,
            set,
            model_option,
            n_seeds=seeds,
            controls=controls,
            folds=folds,
            cross_validate=cross_validate,
            split_seed=split_seed,
            lead_subsets=lead_subsets,
            noise=noise,
            subgroups=subgroups,
            challenge=challenge_weights,
            min_records=min_records,
            spec=_spec(input),
        ),
        task=task,
        watch=_say,
        **_pairs(option),
    )
    _print(rows, output, as_json=json, text=table_as_text(rows))


def protocol(
    name: Annotated[str, typer.Argument(metavar="NAME", help="ptbxl, merl or benchecg.")],
    output: Output,
    data: Annotated[
        list[str] | None, typer.Option("--data", help="NAME=FOLDER, or a store. May come again.")
    ] = None,
    model: Models = None,
    mode: Modes = None,
    baseline: Baselines = None,
    labels: Labels = None,
    seeds: Seeds = 1,
    controls: Controls = True,
    folds: Folds = None,
    set: Settings = None,
    model_option: ModelOptions = None,
    json: Json = False,
) -> None:
    """Run all tasks of a protocol that can be run here."""
    from precordia.benchmarking.protocol_tasks import benchmark_protocol
    from precordia.benchmarking.result_tables import table_as_text

    options = _options(
        model,
        mode,
        baseline,
        labels,
        set,
        model_option,
        n_seeds=seeds,
        controls=controls,
        folds=folds,
    )
    done = benchmark_protocol(name, data or [], output, options, watch=_say)
    if json:
        said = [state.to_dict() for state in done.states]
        rows = [row.to_dict() for row in done.rows]
        typer.echo(json_text.dumps({"tasks": said, "rows": rows}, ensure_ascii=False))
        return
    typer.echo(str(done))
    if done.rows:
        typer.echo("\n" + table_as_text(done.rows))


def table(
    rows: Rows,
    format: Annotated[str, typer.Option(help="text, markdown, html or csv.")] = "text",
    metric: Annotated[str, typer.Option(help="Which number.")] = "macro_auroc",
    output: Annotated[Path | None, typer.Option("--output", help="File to write.")] = None,
    published: Annotated[
        bool, typer.Option("--published/--no-published", help="Also published figures.")
    ] = True,
    force: Force = False,
    json: Json = False,
) -> None:
    """Print or write the table of rows."""
    from precordia.benchmarking.result_rows import read_rows
    from precordia.benchmarking.result_tables import render_table

    held = read_rows(rows)
    if json:
        typer.echo(json_text.dumps({"rows": [row.to_dict() for row in held]}, ensure_ascii=False))
        return
    text = render_table(held, format=format, metric=metric, published=published)
    if output is None:
        typer.echo(text)
        return
    from precordia.core.output import write_text_whole

    typer.echo(f"{write_text_whole(text, output, overwrite=force)}")


def plot(
    rows: Rows,
    output: Annotated[Path, typer.Option("--output", help="Folder of pictures.")],
    format: Annotated[str, typer.Option(help="png, svg or pdf.")] = "png",
    force: Force = False,
    json: Json = False,
) -> None:
    """Draw the rows."""
    from precordia.benchmarking.result_plots import plot_results

    paths = plot_results(rows, output, kind=format, overwrite=force)
    if json:
        typer.echo(json_text.dumps({"pictures": [str(path) for path in paths]}))
        return
    for path in paths:
        typer.echo(f"{path}")


def _options(
    model: Sequence[str] | None,
    mode: Sequence[str] | None,
    baseline: Sequence[str] | None,
    labels: Sequence[str] | None,
    settings: Sequence[str] | None,
    model_options: Sequence[str] | None,
    **rest: Any,
) -> Any:
    from precordia.benchmarking.baselines import BASELINES
    from precordia.benchmarking.classification_options import ClassificationOptions
    from precordia.training.settings import TrainingSettings

    named = tuple(dict.fromkeys(baseline or ()))
    return ClassificationOptions(
        models=tuple(dict.fromkeys(model or ())),
        modes=tuple(dict.fromkeys(mode or ("linear",))),
        baselines=BASELINES if "all" in named else named,
        labels=tuple(dict.fromkeys(labels or ("100%",))),
        settings=TrainingSettings.from_table(_pairs(settings)),
        model_options=_pairs(model_options),
        **rest,
    )


def _spec(path: Path | None) -> Any:
    if path is None:
        return None
    from precordia.core.errors import FormatError
    from precordia.core.input_spec import InputSpec

    try:
        return InputSpec.from_toml(path.read_text(encoding="utf-8"), model=path.stem)
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(
            f"'{path}' cannot be read ({error}); a TOML file with a table [input] is needed."
        ) from None


def _pairs(given: Sequence[str] | None) -> dict[str, Any]:
    """Turn NAME=VALUE into arguments, values as TOML has them, other words as text."""
    import tomllib

    said: dict[str, Any] = {}
    for pair in given or ():
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise typer.BadParameter(f"'{pair}' is no NAME=VALUE, such as epochs=20.")
        try:
            said[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            said[key] = value
    return said


def _print(rows: Sequence[Any], output: Path, *, as_json: bool, text: str) -> None:
    if as_json:
        held = {"output": str(output), "rows": [row.to_dict() for row in rows]}
        typer.echo(json_text.dumps(held, ensure_ascii=False))
    else:
        typer.echo(text)


def _say(words: str) -> None:
    """Say what is being done on stderr, where somebody looks."""
    if sys.stderr.isatty():
        typer.echo(words, err=True)
