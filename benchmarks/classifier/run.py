# SPDX-License-Identifier: Apache-2.0
"""Make the classifiers in the box again: data, cross-validation, calibration, graphs, cards.

python benchmarks/classifier/run.py --data ../shared/data --work /tmp/classifier
python benchmarks/classifier/run.py --data ../shared/data --work /tmp/classifier --smoke

About half an hour on one core. PTB-XL's folds 1 to 8 teach, in four parts that share no patient;
what each part's recordings get from networks that never saw them calibrates, sets thresholds and is
reported. Fold 9 is looked at once, by the finished graphs. What a run computed stays in --work.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import torch
from cards import LEAST_RECORDS, write_model
from evaluate import groups_of
from export import BOX, Committee, directions, run_graph, write_graph
from kernel import KernelRecipe, fit_likeness
from learn import Recipe, learn, logits_and_embedding
from recordings import load_recordings
from views import Views, lead_mask, look_at

from precordia.classification.calibration import logistic
from precordia.core.leads import STANDARD_12
from precordia.models.aligned_beats import AlignedBeatsNet, BeatView
from precordia.models.signal_shape import SignalShape

N_PARTS = 4
#: sets of leads by which the model for any leads is judged; limb leads follow from two of them
LEAD_SETS = {
    "12 leads": " ".join(STANDARD_12),
    "8 leads": "I II V1 V2 V3 V4 V5 V6",
    "6 limb leads": "I II III aVR aVL aVF",
    "6 limb leads and V2": "I II III aVR aVL aVF V2",
    "I and II alone": "I II",
    "I": "I",
    "II": "II",
    "V5": "V5",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is trained."""

    twelve: Recipe
    any_lead: Recipe
    n_members: int = 4
    n_seeds: int = 3
    n_looks: int = 8
    n_looks_any: int = 12


FULL = Plan(twelve=Recipe(epochs=30), any_lead=Recipe(epochs=40, lead_dropout=0.0))
SMOKE = Plan(
    twelve=Recipe(epochs=1),
    any_lead=Recipe(epochs=1, lead_dropout=0.0),
    n_members=1,
    n_seeds=1,
    n_looks=2,
    n_looks_any=2,
)


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the databases")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is computed")
    parser.add_argument("--box", type=Path, default=BOX, help="folder for graphs and cards")
    parser.add_argument("--smoke", action="store_true", help="one epoch, few looks")
    given = parser.parse_args()
    torch.set_num_threads(1)
    plan = SMOKE if given.smoke else FULL
    held = load_recordings(given.data, given.work / "recordings.npz")
    teach = np.flatnonzero((held.folds >= 1) & (held.folds <= 8))
    often = (held.labels[teach] > 0).sum(0) >= LEAST_RECORDS
    columns = [k for k in range(len(held.classes)) if k < 5 or often[k]]
    classes = tuple(held.classes[k] for k in columns)
    labels = held.labels[:, columns]
    job = Job(plan, held, labels, classes, teach, given.work, given.box)
    job.twelve_leads()
    job.any_leads()


class Job:
    """What both models share."""

    def __init__(self, plan, held, labels, classes, teach, work: Path, box: Path) -> None:
        self.plan, self.held, self.labels, self.classes = plan, held, labels, classes
        self.teach, self.work, self.box = teach, work, box
        self.check = np.flatnonzero(held.folds == 9)
        self.part = (held.folds - 1) * N_PARTS // 8
        self.groups = groups_of(classes, labels[teach])

    def make(self, recipe: Recipe) -> AlignedBeatsNet:
        """Make a network with random weights."""
        shape = SignalShape(n_leads=12, n_samples=1000, fs=100, leads=STANDARD_12)
        return AlignedBeatsNet(shape, len(self.classes), width=recipe.width, dropout=recipe.dropout)

    def twelve_leads(self) -> None:
        """Make the classifier of twelve leads: four networks, and likeness to known beats."""
        views = self._views("twelve", self.plan.n_looks, any_lead=False)
        apart = self._kept("twelve_apart", lambda: self._apart_twelve(views))
        members = [
            self._member(f"twelve_{seed}", views, self.plan.twelve, seed)
            for seed in range(self.plan.n_members)
        ]
        likeness = fit_likeness(views, self.labels, self.teach, KernelRecipe())
        self._write("precordia_12lead", members, views, {"12 leads": apart}, likeness)

    def any_leads(self) -> None:
        """Make the classifier of any leads: networks that saw every recording through a few."""
        views = self._views("any", self.plan.n_looks_any, any_lead=True)
        apart = self._kept("any_apart", lambda: self._apart_any(views))
        members = [
            self._member(f"any_{seed}", views, self.plan.any_lead, seed)
            for seed in range(self.plan.n_members)
        ]
        self._write(
            "precordia_any_lead", members, views, dict(zip(LEAD_SETS, apart, strict=True)), None
        )

    def _views(self, name: str, n_looks: int, *, any_lead: bool) -> Views:
        kept = self.work / f"views_{name}.pt"
        if not kept.is_file():
            model = self.make(Recipe()).eval()
            made = look_at(
                model, self.held.windows, n_looks=n_looks, any_lead=any_lead, seed=int(any_lead)
            )
            torch.save([getattr(made, f.name) for f in dataclasses.fields(made)], kept)
        return Views(*torch.load(kept, weights_only=True))

    def _kept(self, name: str, compute) -> np.ndarray:
        kept = self.work / f"{name}.npy"
        if not kept.is_file():
            np.save(kept, compute())
        return np.load(kept)

    def _member(self, name: str, views: Views, recipe: Recipe, seed: int) -> AlignedBeatsNet:
        kept = self.work / f"{name}.pt"
        if not kept.is_file():
            made = learn(self.make, views, self.labels, self.teach, recipe, seed=seed)
            torch.save(made.state_dict(), kept)
            print(f"trained {name}", flush=True)
        model = self.make(recipe)
        model.load_state_dict(torch.load(kept, weights_only=True))
        return model.eval()

    def _apart_twelve(self, views: Views) -> np.ndarray:
        """Return logits of every teaching record by models that never saw its part."""
        logits = np.zeros((len(self.teach), len(self.classes)))
        for part in range(N_PARTS):
            mine = self.part[self.teach] == part
            rows = self.teach[~mine]
            view, present = _whole(views, self.teach[mine])
            for seed in range(self.plan.n_seeds):
                model = learn(
                    self.make, views, self.labels, rows, self.plan.twelve, seed=10 * seed + part
                )
                found = logits_and_embedding(model, view, present)[0]
                logits[mine] += 0.5 * found / self.plan.n_seeds
            likeness = fit_likeness(views, self.labels, rows, KernelRecipe())
            logits[mine] += 0.5 * likeness(view).numpy()
            print(f"twelve leads, part {part} done", flush=True)
        return logits

    def _apart_any(self, views: Views) -> np.ndarray:
        logits = np.zeros((len(LEAD_SETS), len(self.teach), len(self.classes)))
        for part in range(N_PARTS):
            mine = np.flatnonzero(self.part[self.teach] == part)
            rows = self.teach[self.part[self.teach] != part]
            model = learn(self.make, views, self.labels, rows, self.plan.any_lead, seed=part)
            for k, names in enumerate(LEAD_SETS.values()):
                x = torch.from_numpy(self.held.windows[self.teach[mine]])
                present = torch.from_numpy(np.tile(lead_mask(names), (len(x), 1)))
                with torch.no_grad():
                    view = model.look(x * present[:, :, None], present)
                logits[k, mine] = logits_and_embedding(model, view, present)[0]
            print(f"any leads, part {part} done", flush=True)
        return logits

    def _write(self, stem: str, members, views: Views, apart: dict, likeness) -> None:
        view, present = _whole(views, self.teach)
        vectors = np.concatenate([logits_and_embedding(m, view, present)[1] for m in members], 1)
        committee = Committee(members, *directions(vectors, 96), likeness=likeness).eval()
        any_lead = stem.endswith("any_lead")
        self.box.mkdir(exist_ok=True)
        path = self.box / f"{stem}.onnx"
        write_graph(committee, path, any_lead=any_lead)
        _compare(committee, path, self.held.windows[self.check])
        checked = {}
        for name, leads in LEAD_SETS.items():
            if any_lead or name == "12 leads":
                shown = np.tile(lead_mask(leads), (len(self.check), 1))
                checked[name] = run_graph(path, self.held.windows[self.check], shown)
        write_model(self, path, apart, checked, run_graph(path, self.held.windows[self.teach])[1])


def _whole(views: Views, rows: np.ndarray) -> tuple[BeatView, torch.Tensor]:
    return views.at(rows, torch.zeros(len(rows), dtype=torch.long))


@torch.no_grad()
def _compare(committee: Committee, path: Path, windows: np.ndarray) -> None:
    """Refuse a graph that says anything else than the networks it was made from."""
    logits, vectors = (wanted.numpy() for wanted in committee(torch.from_numpy(windows)))
    found = run_graph(path, windows)
    apart = [
        float(np.abs(logistic(found[0]) - logistic(logits)).max()),
        float(np.abs(found[1] - vectors).max()),
    ]
    print(f"{path.name}: {path.stat().st_size} bytes, apart from the networks {apart}")
    if apart[0] > 1e-4 or apart[1] > 1e-3:
        raise SystemExit(f"{path.name} differs from its networks by {apart}.")


if __name__ == "__main__":
    main()
