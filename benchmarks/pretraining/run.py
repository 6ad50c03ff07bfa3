# SPDX-License-Identifier: Apache-2.0
"""Every objective on the same recordings for the same time, then judged on labels.

python benchmarks/pretraining/stores.py --data ../shared/data --to /tmp/pretraining/stores
python benchmarks/pretraining/run.py --stores /tmp/pretraining/stores --work /tmp/pretraining

Any folder of stores will do, at any scale: one of them (--labelled) has labels and folds and is
what the encoders are judged on; all of them teach without labels, but for the folds that are kept
back. What is done already is not done again. Each objective trains the encoder that it is made for,
in its small configuration; the random encoder beside it in the table is the same architecture.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch

from precordia.benchmarking.classification import benchmark_classification
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.cohort import load_cohort
from precordia.core.input_spec import InputSpec
from precordia.models.saved_model import find_saved
from precordia.training.objective_table import list_objectives, objective_row
from precordia.training.pretrain import pretrain
from precordia.training.settings import TrainingSettings

INPUT = Path(__file__).parents[1] / "classifier" / "input.toml"
FOLDS = "train=1-7,validation=8,test=9"
#: steps whose time is taken before a training
_TRIAL = 20
#: how long attention, fine-tuning and scratch learn: about as many steps for each share of labels
_LIKE = {"patience": 0, "threads": 1, "precision": "bfloat16"}
_LEARNING = {
    ("1%", "10%"): TrainingSettings(epochs=24, batch_size=32, **_LIKE),
    ("100%",): TrainingSettings(epochs=5, batch_size=64, **_LIKE),
}


def main() -> None:
    """Run all that is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stores", type=Path, required=True, help="folder of stores")
    parser.add_argument("--labelled", default="ptbxl", help="the store that has labels")
    parser.add_argument("--folds", default=FOLDS, help="of the labelled store")
    parser.add_argument("--work", type=Path, required=True, help="folder for everything made")
    parser.add_argument("--minutes", type=float, default=4.0, help="of processor time, for each")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--objectives", nargs="+", default=list(list_objectives()))
    parser.add_argument("--modes", nargs="+", default=["linear", "attention", "finetune"])
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", dest="changes")
    parser.add_argument("--rows", default="rows", help="folder of rows within --work")
    given = parser.parse_args()
    torch.set_num_threads(1)
    spec = InputSpec.from_toml(INPUT.read_text("utf-8"))
    for name in given.objectives:
        made = pretrain_once(given, name, _input_of(name, spec))
        print(f"{name}: {json.dumps(made)}", flush=True)
    for name in given.objectives:
        judge(given, name)


def _input_of(name: str, spec: InputSpec) -> InputSpec:
    """Return the input, as long as the objective wants it."""
    return replace(spec, seconds=float(objective_row(name).input.get("seconds", spec.seconds)))


def pretrain_once(given: argparse.Namespace, name: str, spec: InputSpec) -> dict:
    """Pretrain with an objective unless that was done; return what was noted."""
    folder = given.work / "runs" / name
    noted = folder / "pretraining.json"
    if not noted.is_file():
        arguments = {
            "data": sorted(p for p in given.stores.iterdir() if (p / "store.json").is_file()),
            "changes": given.changes,
            "input_spec": spec,
            "trust_scale": True,
            "cache": given.work / "cache",
        }
        steps = steps_for(name, given.minutes, arguments)
        pretrain(name, folder=folder, steps=steps, resume=folder.is_dir(), **arguments)
    named = given.work / "encoders" / name
    named.parent.mkdir(parents=True, exist_ok=True)
    if not named.exists():
        named.symlink_to(folder.resolve() / "encoder")
    return json.loads(noted.read_text("utf-8"))


def steps_for(name: str, minutes: float, arguments: dict) -> int:
    """Return how many steps take so much time of a processor, whatever else the machine does."""
    stamps: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        pretrain(
            name,
            folder=Path(folder) / "trial",
            steps=_TRIAL,
            watch=lambda *_: stamps.append(time.process_time()),
            **arguments,
        )
    # what is told before the steps is of the preparation of recordings
    each = median(after - before for before, after in pairwise(stamps[-_TRIAL:]))
    return max(round(60 * minutes / each), 1)


def judge(given: argparse.Namespace, name: str) -> None:
    """Score an encoder in all modes beside its random twin, at every share of labels."""
    cohort = load_cohort(str(given.stores / given.labelled))
    folder = given.work / "encoders" / name
    saved = find_saved(folder)
    # without fine-tuning there is no need of a twin that is trained from scratch
    whole = "finetune" in given.modes
    asked = {} if whole else {"model_options": saved.options, "spec": saved.input_spec}
    for labels, settings in _LEARNING.items():
        options = ClassificationOptions(
            models=(str(folder), *(() if whole else (saved.architecture,))),
            modes=tuple(given.modes),
            labels=labels,
            n_seeds=given.seeds,
            controls=whole,
            folds=given.folds,
            settings=settings,
            draws=1000,
            **asked,
        )
        benchmark_classification(
            cohort,
            given.work / given.rows,
            options,
            watch=lambda text: print(f"{name}: {text}", flush=True),
        )


if __name__ == "__main__":
    main()
