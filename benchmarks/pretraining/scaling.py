# SPDX-License-Identifier: Apache-2.0
"""What recordings are worth: one database left out, and a part of them alone, at equal steps.

python benchmarks/pretraining/scaling.py --stores /tmp/pretraining/stores --work /tmp/pretraining

The three objectives of OpenECG (SimCLR, BYOL, MAE) train for the same number of steps on all
stores but one, and on an eighth, a quarter and a half of all patients; each encoder is probed with
a linear map on the store that has labels. Only the rows without that store tell how an encoder does
on a database that it never saw.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import torch
from run import FOLDS, INPUT, steps_for

from precordia.benchmarking.classification import benchmark_classification
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.cohort import load_cohort
from precordia.core.input_spec import InputSpec
from precordia.training.pretrain import pretrain
from precordia.training.record_source import RecordSource, source_from_store

SHARES = (0.125, 0.25, 0.5, 1.0)


def main() -> None:
    """Run all that is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stores", type=Path, required=True, help="folder of stores")
    parser.add_argument("--labelled", default="ptbxl", help="the store that has labels")
    parser.add_argument("--folds", default=FOLDS, help="of the labelled store")
    parser.add_argument("--work", type=Path, required=True, help="folder for everything made")
    parser.add_argument("--minutes", type=float, default=1.0, help="of processor time, for each")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--objectives", nargs="+", default=["simclr", "byol", "mae"])
    given = parser.parse_args()
    torch.set_num_threads(1)
    spec = InputSpec.from_toml(INPUT.read_text("utf-8"))
    paths = sorted(p for p in given.stores.iterdir() if (p / "store.json").is_file())
    stores = {path.name: source_from_store(path) for path in paths}
    plans = {f"without-{name}": _without(stores, name) for name in stores}
    plans |= {f"share-{share:g}": [_part(s, share) for s in stores.values()] for share in SHARES}
    cohort = load_cohort(str(given.stores / given.labelled))
    for objective in given.objectives:
        arguments = {"input_spec": spec, "trust_scale": True, "cache": given.work / "cache"}
        steps = 0
        for name, data in plans.items():
            folder = given.work / "scaling" / f"{objective}-{name}"
            if not (folder / "pretraining.json").is_file():
                steps = steps or steps_for(
                    objective, given.minutes, {**arguments, "data": list(stores.values())}
                )
                pretrain(
                    objective,
                    data,
                    folder=folder,
                    steps=steps,
                    resume=folder.is_dir(),
                    **arguments,
                )
            named = given.work / "scaled" / folder.name
            named.parent.mkdir(parents=True, exist_ok=True)
            if not named.exists():
                named.symlink_to(folder.resolve() / "encoder")
            options = ClassificationOptions(
                models=(str(named),),
                modes=("linear",),
                labels=("10%",),
                n_seeds=given.seeds,
                controls=False,
                folds=given.folds,
                draws=1000,
            )
            benchmark_classification(cohort, given.work / "rows_scaling", options)
            print(f"{objective}, {name}: scored", flush=True)


def _without(stores: dict[str, RecordSource], name: str) -> list[RecordSource]:
    return [source for key, source in stores.items() if key != name]


def _part(source: RecordSource, share: float) -> RecordSource:
    """Return the recordings of a share of the patients, who are drawn by a hash of their key."""
    kept = [k for k, patient in enumerate(source.patients) if _between_0_and_1(patient) < share]
    return source.of(np.array(kept, int))


def _between_0_and_1(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


if __name__ == "__main__":
    main()
