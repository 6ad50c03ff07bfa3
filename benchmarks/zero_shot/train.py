# SPDX-License-Identifier: Apache-2.0
"""Make precordia-words again: recordings and texts in one space, with its scores and controls.

python benchmarks/zero_shot/train.py --data ../shared/data --work /tmp/classifier

About twenty minutes on one core. --work is the folder of ``benchmarks/classifier/run.py``, whose
prepared recordings are taken if they are there. Folds 1 to 7 teach and fold 8 chooses the kind of
prompts; then folds 1 to 8 teach, in four parts for the calibration and together for what ships.
Fold 9 is looked at once, by finished contrasts.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "classifier"))  # recordings and looks are prepared alike

import score  # noqa: E402
from about import card_tables  # noqa: E402
from contrasts import Contrast, Plan  # noqa: E402
from encoders import embeddings_of  # noqa: E402
from export import BOX  # noqa: E402
from material import Material, load_material  # noqa: E402
from ship import LEAST_RECORDS, halve, write_model  # noqa: E402

from precordia.knowledge.lexicon import list_entries  # noqa: E402

STYLES = ("name", "synonyms", "signs", "cases", "knowledge")
TEACH, CHOOSE, CHECK = range(1, 8), [8], [9]
UNSAID_TEACH, UNSAID_CHECK = range(1, 7), range(7, 10)
N_PARTS, N_HELD_OUT, LEAST_HELD_OUT = 4, 8, 25
RESULTS = HERE.parent / "results" / "zero_shot.csv"
SMOKE = Plan(epochs=1)
#: of readers' reports alone, without any label; recordings are few
OWN = Plan(epochs=60, own_only=True)


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the databases")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is computed")
    parser.add_argument("--box", type=Path, default=BOX, help="folder for graph, texts and card")
    parser.add_argument("--results", type=Path, default=RESULTS, help="table of scores (CSV)")
    parser.add_argument("--unlabelled", default="", help="folder of an encoder without labels")
    parser.add_argument("--smoke", action="store_true", help="one epoch, the model alone")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.work.mkdir(parents=True, exist_ok=True)
    study = Study(load_material(given.data, given.work), given)
    style = study.choose()
    study.finish(style)
    study.judge("texts alone", study.final, style, study.groups)
    if not given.smoke:
        study.write(style)
        study.unsaid(style)
        study.compare(style)
    study.write(style)


class Study:
    """All contrasts, their scores, and the table of these."""

    def __init__(self, material: Material, given: argparse.Namespace) -> None:
        self.material, self.given = material, given
        self.plan = SMOKE if given.smoke else Plan()
        self.check, self.teach = material.rows(CHECK), material.rows(range(1, 9))
        self.table: list[dict] = []
        self.groups = score.groups(lambda codes: material.labels(codes)[self.check])
        counts = material.labels([e.code for e in list_entries()])[self.teach].sum(0)
        often = zip(list_entries(), counts, strict=True)
        self.codes = [e.code for e, n in often if LEAST_RECORDS <= n <= len(self.teach) - 8]

    def contrast(self, name: str, rows: np.ndarray, plan: Plan, embedding=None) -> Contrast:
        """Train one contrast, or take it from an earlier run."""
        return Contrast(name, self.material, rows, plan, self.given.work, embedding)

    def choose(self) -> str:
        """Return the kind of prompts that ranks superclasses best on fold 8."""
        made = self.contrast("choosing", self.material.rows(TEACH), self.plan)
        rows = self.material.rows(CHOOSE)
        vectors, labels = made.vectors(rows), self.material.labels(score.SUPERCLASSES)[rows]
        who, found = self.material.held.patients[rows], {}
        for style in STYLES:
            cosines = vectors @ score.prompt_vectors(made.learner, score.SUPERCLASSES, style).T
            found[style] = score.interval(labels, cosines, who)
            self.note("texts alone", "fold 8", "superclass", style, found[style], len(rows))
        return max(found, key=lambda style: found[style][0])

    def finish(self, style: str) -> None:
        """Train what ships, and contrasts that never saw what they are asked about."""
        part = (self.material.held.folds - 1) * N_PARTS // 8
        self.apart = np.zeros((len(self.teach), len(self.codes)))
        for number in range(N_PARTS):
            mine = part[self.teach] == number
            made = self.contrast(f"part{number}", self.teach[~mine], self.plan)
            directions = score.prompt_vectors(made.learner, self.codes, style)
            self.apart[mine] = made.vectors(self.teach[mine]) @ directions.T
        self.final = self.contrast("final", self.teach, self.plan)
        halve(self.final.learner)

    def compare(self, style: str) -> None:
        """Score other encoders, and readers' texts alone, on fold 9."""
        few = {name: self.groups[name] for name in ("superclass", "all statements")}
        others = {"precordia-12lead": "taught by labels, frozen"}
        if self.given.unlabelled:
            others[self.given.unlabelled] = "taught without labels, frozen"
        for name, words in others.items():
            kept = self.given.work / f"words_{Path(name).name}.npy"
            embedding = embeddings_of(name, self.material, kept)
            made = self.contrast(Path(name).name, self.teach, self.plan, embedding)
            self.judge(f"{words}: {Path(name).name}", made, style, few)
            if name == self.given.unlabelled:
                made = self.contrast(f"{Path(name).name}_own", self.teach, OWN, embedding)
                self.judge(f"{words}, readers' texts alone: {Path(name).name}", made, style, few)
        own = self.contrast("own", self.teach, OWN)
        self.judge("readers' texts alone", own, style, few)

    def judge(self, name: str, made: Contrast, style: str, groups: dict) -> None:
        """Score one contrast on fold 9: prompts against plain names, and controls."""
        rows, who = self.check, self.material.held.patients[self.check]
        vectors = made.vectors(rows)
        for group, codes in groups.items():
            labels = self.material.labels(codes)[rows]
            said = {
                kind: vectors @ score.prompt_vectors(made.learner, codes, kind).T
                for kind in (style, "name")
            }
            for kind, cosines in said.items():
                found = score.interval(labels, cosines, who)
                self.note(name, "fold 9", group, kind, found, len(rows))
            more = score.difference(labels, said[style], said["name"], who)
            self.note(name, "fold 9", group, f"{style} more than name", more, len(rows))
            middle, spread = score.random_control(vectors, labels)
            ends = (middle, middle - 1.96 * spread, middle + 1.96 * spread)
            self.note(name, "fold 9", group, "random directions", ends, len(rows))
            dealt = score.shuffled_control(said[style], labels)
            self.note(name, "fold 9", group, "names dealt out anew", (dealt,) * 3, len(rows))

    def unsaid(self, style: str) -> None:
        """Score statements of which no text spoke, on folds that taught nothing."""
        codes = self.held_out()
        made = self.contrast("unsaid", self.material.rows(UNSAID_TEACH), Plan(without=codes))
        rows = self.material.rows(UNSAID_CHECK)
        labels, who = self.material.labels(codes)[rows], self.material.held.patients[rows]
        vectors = made.vectors(rows)
        for kind in (style, "name", "signs"):
            cosines = vectors @ score.prompt_vectors(made.learner, codes, kind).T
            value = score.interval(labels, cosines, who)
            self.note("texts alone", "folds 7-9", "statements unsaid", kind, value, len(rows))
            for k, code in enumerate(codes):
                one = score.interval(labels[:, [k]], cosines[:, [k]], who)
                self.note("texts alone", "folds 7-9", f"unsaid: {code}", kind, one, len(rows))
        middle, spread = score.random_control(vectors, labels)
        ends = (middle, middle - 1.96 * spread, middle + 1.96 * spread)
        self.note(
            "texts alone", "folds 7-9", "statements unsaid", "random directions", ends, len(rows)
        )

    def held_out(self) -> tuple[str, ...]:
        """Return eight statements evenly spread over how often they are."""
        codes = [c for c in self.groups_codes() if c not in ("NORM", "SR")]
        counts = self.material.labels(codes)[self.teach].sum(0)
        often = sorted((-n, c) for n, c in zip(counts, codes, strict=True) if n >= LEAST_HELD_OUT)
        places = np.linspace(1, len(often) - 1, N_HELD_OUT).round().astype(int)
        return tuple(often[k][1] for k in places)

    def groups_codes(self) -> list[str]:
        """Return all statements of PTB-XL that occur."""
        return sorted({code for own in self.material.statements for code in own})

    def note(self, encoder, records, group, prompts, values, n) -> None:
        """Keep a line of the table."""
        value, low, high = (round(float(v), 4) for v in values)
        line = {
            "encoder": encoder, "records": records, "group": group, "prompts": prompts,
            "macro_auroc": value, "low": low, "high": high, "n_records": n,
        }  # fmt: skip
        self.table.append(line)
        print(line, flush=True)

    def compare_graph(self, path: Path) -> None:
        """Refuse a graph that says anything else than the contrast it was made from."""
        from precordia.models.runtime import load_graph

        said = load_graph(str(path))(self.material.held.windows[self.check]).embedding
        apart = float(np.abs(said - self.final.vectors(self.check)).max())
        print(f"{path}: {path.stat().st_size} bytes, apart from the network {apart:.1e}")
        if apart > 1e-3:
            raise SystemExit(f"{path.name} differs from its network by {apart}.")

    def write(self, style: str) -> None:
        """Write the model, and the table."""
        normal = self.check[self.material.labels(["NORM"])[self.check, 0] > 0]
        labels = self.material.labels(self.codes)[self.teach]
        path = write_model(
            self.final.learner,
            sorted({text for own in self.final.texts() for text, _ in own}),
            self.final.vectors(normal),
            self.codes,
            style=style,
            apart=(self.apart, labels),
            about=card_tables(self),
            box=self.given.box,
        )
        self.compare_graph(path)
        if self.given.smoke:
            return
        with self.given.results.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, list(self.table[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(self.table)


if __name__ == "__main__":
    main()
