# SPDX-License-Identifier: Apache-2.0
"""Table and picture of what `run.py` and `scaling.py` found, for the documentation.

python benchmarks/pretraining/table.py --work /tmp/pretraining --to docs
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from precordia.benchmarking.result_rows import ResultRow, latest_rows, read_rows, write_rows_csv
from precordia.benchmarking.summaries import DIFFERENCE, MEAN
from precordia.models.saved_model import CONFIG_FILE

SHARES = ("1%", "10%", "100%")
MODES = {"linear": "linear", "attention": "attention", "finetune": "fine-tuned"}
RANDOM, SCRATCH = "random weights", "scratch"


def main() -> None:
    """Write ``pretraining_results.md``, its picture, and means and differences as CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder that run.py filled")
    parser.add_argument("--to", type=Path, required=True, help="folder of the documentation")
    parser.add_argument("--csv", type=Path, help="also write means and differences here")
    given = parser.parse_args()
    places = sorted(given.work.glob("rows*/rows.jsonl"))
    rows = latest_rows([row for place in places for row in read_rows(place.parent)])
    judged = {row.model for row in rows if row.kind == DIFFERENCE}
    made = {
        path.parent.name: json.loads(path.read_text("utf-8"))
        for path in sorted((given.work / "runs").glob("*/pretraining.json"))
        if path.parent.name in judged
    }
    first = next(iter(made.values()))
    sizes = {name: _parameters(given.work / "encoders" / name) for name in made}
    text = _PAGE.format(
        n_records=first["n_records"],
        n_patients=first["n_patients"],
        better=", ".join(name for name in made if _beats_random(rows, name)),
        others=", ".join(name for name in made if not _beats_random(rows, name)) or "none",
        whole=_with_all_labels(rows, made),
        main=_main_table(rows, made, sizes),
        differences=_difference_table(rows, made),
        scaling=_scaling_table(rows),
    )
    (given.to / "pretraining_results.md").write_text(text, "utf-8")
    _draw(rows, made, given.to / "images" / "pretraining_results.svg")
    if given.csv:
        told = [row for row in rows if row.kind in (MEAN, DIFFERENCE)]
        write_rows_csv(told, given.csv, overwrite=True)


def _parameters(folder: Path) -> float:
    told = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
    return told["n_parameters"] / 1e6


def _mean(rows: Sequence[ResultRow], model: str, mode: str, labels: str, options: str = ""):
    for row in rows:
        same = (row.model, row.mode, row.labels) == (model, mode, labels)
        told = row.settings.startswith(options)  # behind it stands how it was trained
        if same and told and row.kind == MEAN and row.metric == "macro_auroc":
            return row
    return None


def _shown(row: ResultRow | None) -> str:
    if row is None:
        return "–"
    return f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]".replace("0.", ".")


def _twins(rows: Sequence[ResultRow], name: str) -> tuple[str, str, str]:
    """Return names of the random and the scratch control of an encoder, and their options."""
    own = next(row for row in rows if row.model == name and row.kind == MEAN)
    architecture = next(
        row.subject.removeprefix("minus ").split(",")[0]
        for row in rows
        if row.model == name and row.kind == DIFFERENCE and RANDOM in row.subject
    )
    return f"{architecture}, {RANDOM}", architecture, own.settings


def _main_table(rows: Sequence[ResultRow], made: dict, sizes: dict[str, float]) -> str:
    columns = [(mode, share) for mode in MODES for share in SHARES]
    there = [
        (mode, share)
        for mode, share in columns
        if any(r.mode == mode and r.labels == share and r.model in made for r in rows)
    ]
    head = ["objective", "encoder", "steps"] + [f"{MODES[m]}, {s}" for m, s in there]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    shown: set[tuple[str, str]] = set()
    for name, facts in made.items():
        encoder = f"{facts['architecture']}, {sizes[name]:.2f} M"
        cells = [_shown(_mean(rows, name, mode, share)) for mode, share in there]
        lines.append(
            "| " + " | ".join([f"**{name}**", encoder, f"{facts['steps']:,}", *cells]) + " |"
        )
        random, scratch, options = _twins(rows, name)
        if (random, options) not in shown:
            shown.add((random, options))
            cells = [
                _shown(
                    _mean(rows, scratch, SCRATCH, share, options)
                    if mode == "finetune"
                    else _mean(rows, random, mode, share, options)
                )
                for mode, share in there
            ]
            words = "random; last columns from scratch" if "finetune" in dict(there) else "random"
            lines.append("| " + " | ".join([f"*{words}*", f"*{encoder}*", "0", *cells]) + " |")
    return "\n".join(lines)


def _difference_table(rows: Sequence[ResultRow], made: dict) -> str:
    head = ["objective", "against", "how"] + [f"{share} of labels" for share in SHARES]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for name in made:
        for mode, control in (("linear", RANDOM), ("attention", RANDOM), ("finetune", SCRATCH)):
            cells = []
            for share in SHARES:
                found = [
                    row
                    for row in rows
                    if (row.model, row.mode, row.labels, row.kind)
                    == (name, mode, share, DIFFERENCE)
                    and (
                        row.subject.endswith(f"{RANDOM} ({mode})")
                        if control == RANDOM
                        else row.subject.endswith(f"({SCRATCH})")
                    )
                ]
                clear = found and not found[0].low <= 0 <= found[0].high
                cells.append(
                    f"{found[0].value:+.3f} [{found[0].low:+.3f}, {found[0].high:+.3f}]".replace(
                        "0.", "."
                    )
                    + ("" if clear else " (0 is within)")
                    if found
                    else "–"
                )
            if any(cell != "–" for cell in cells):
                lines.append("| " + " | ".join([name, control, MODES[mode], *cells]) + " |")
    return "\n".join(lines)


def _beats_random(rows: Sequence[ResultRow], name: str) -> bool:
    return any(
        (row.model, row.mode, row.labels, row.kind) == (name, "linear", "10%", DIFFERENCE)
        and row.subject.endswith(f"{RANDOM} (linear)")
        and row.low > 0
        for row in rows
    )


def _with_all_labels(rows: Sequence[ResultRow], made: dict) -> str:
    found = [
        row
        for row in rows
        if (row.mode, row.labels, row.kind) == ("finetune", "100%", DIFFERENCE)
        and row.model in made
        and row.subject.endswith(f"({SCRATCH})")
    ]
    gained = sorted({row.model for row in found if row.low > 0})
    of_all = [
        row
        for row in rows
        if (row.labels, row.kind, row.metric, row.subject) == ("100%", MEAN, "macro_auroc", "all")
    ]
    tuned = [row for row in of_all if row.mode == "finetune" and row.model in made]
    scratch = [row for row in of_all if row.mode == "scratch"]
    if not tuned or not scratch:
        return ""
    best, plain = (max(some, key=lambda row: row.value) for some in (tuned, scratch))
    own = (
        f"{', '.join(gained)} beat the same network trained from scratch"
        if gained
        else f"none of {len(tuned)} beats the same network trained from scratch"
    )
    if best.value <= plain.value:
        end = "nothing here would lift the classifiers that ship, which stay as they are"
    else:
        end = "whether that lifts the classifiers that ship is for their own recipe to tell"
    return (
        f"Fine-tuned on all labels, {own}. The best fine-tuned one is {best.model} "
        f"({best.value:.3f}), the best from scratch {plain.model} ({plain.value:.3f}): {end}."
    )


def _scaling_table(rows: Sequence[ResultRow]) -> str:
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        for mark in ("-without-", "-share-"):
            if mark in row.model and row.kind == MEAN and row.metric == "macro_auroc":
                objective, what = row.model.split(mark)
                found.setdefault(f"{mark.strip('-')} {what}", {})[objective] = _shown(row)
    if not found:
        return "Not run."
    objectives = sorted({name for held in found.values() for name in held})
    lines = [
        "| recordings | " + " | ".join(objectives) + " |",
        "|" + " --- |" * (len(objectives) + 1),
    ]
    for what, held in found.items():
        lines.append(f"| {what} | " + " | ".join(held.get(n, "–") for n in objectives) + " |")
    return "\n".join(lines)


def _draw(rows: Sequence[ResultRow], made: dict, path: Path) -> None:
    """Draw the linear probe of each objective beside its random twin, at each share of labels."""
    figure, axes = plt.subplots(
        1, len(SHARES), figsize=(10, 4.2), sharey=True, layout="constrained"
    )
    names = list(made)
    for ax, share in zip(axes, SHARES, strict=True):
        for k, name in enumerate(names):
            random, _, options = _twins(rows, name)
            for row, colour, place in (
                (_mean(rows, name, "linear", share), "#1f6f8b", 0.12),
                (_mean(rows, random, "linear", share, options), "#b0b0b0", -0.12),
            ):
                if row is not None:
                    ax.plot([row.low, row.high], [k + place] * 2, color=colour, lw=1.5)
                    ax.plot(row.value, k + place, "o", color=colour, ms=4.5)
        ax.set_title(f"{share} of labels", fontsize=10)
        ax.set_xlabel("macro AUROC, linear probe", fontsize=9)
        ax.grid(axis="x", color="#e5e5e5", lw=0.6)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(range(len(names)), names, fontsize=9)
    axes[0].invert_yaxis()
    axes[0].plot([], [], "o-", color="#1f6f8b", label="pretrained")
    axes[0].plot([], [], "o-", color="#b0b0b0", label="random weights")
    figure.legend(loc="outside upper left", ncols=2, fontsize=8, frameon=False)
    figure.savefig(path)
    plt.close(figure)


_PAGE = """\
# Which objective earns its cost

Every objective of [pretraining.md](pretraining.md) trained its small encoder on the same
{n_records:,} recordings of {n_patients:,} patients without labels, for the same time of one core;
then the encoder was judged on the five superclasses of PTB-XL with 1 %, 10 % and 100 % of the
labels of folds 1 to 7 (about 15, 155 and 1,550 patients), chosen on fold 8, scored on fold 9, which
no encoder and no choice had seen. Figures are means over five seeds (draws of patients with labels,
random weights, order) with 95 % intervals over patients. *random* is the same encoder with random
weights; *scratch* the same encoder trained on the labels alone, as long as the fine-tuned one.

```sh
python benchmarks/pretraining/stores.py --data DATA --to WORK/stores
python benchmarks/pretraining/run.py --stores WORK/stores --work WORK
python benchmarks/pretraining/scaling.py --stores WORK/stores --work WORK
python benchmarks/pretraining/table.py --work WORK --to docs
```

![Linear probe of each objective beside random weights](images/pretraining_results.svg)

**With 10 % of the labels and a linear probe, {better} beat random weights by an interval above 0;
{others} did not at this scale.** {whole}

## Macro AUROC

{main}

## Against the controls, compared in pairs

{differences}

## What recordings are worth

Each objective for the same number of steps, as many as take 24 s of a core, on all databases but
one and on shares of the patients; linear probe with 10 % of the labels. So few steps are too few
for BYOL and for a masked auto-encoder, which stay below random weights (see above) whatever they
see. Without PTB-XL the encoder never saw a recording of the database that it is judged on.

{scaling}

All of this is small: minutes, not days, and thousands of recordings, not millions. It tells which
objective gives something for a few minutes of two cores, not which is the best at any scale.
"""


if __name__ == "__main__":
    main()
