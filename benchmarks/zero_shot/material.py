# SPDX-License-Identifier: Apache-2.0
"""What the contrast learns from: recordings of PTB-XL, their reports, and reports written for them.

Recordings and looks at them are those of ``benchmarks/classifier``, kept in the folder --work.
"""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from recordings import Recordings, load_recordings
from views import Views, look_at

from precordia.core.leads import STANDARD_12
from precordia.knowledge.report_texts import write_report_text
from precordia.models.aligned_beats import AlignedBeatsNet
from precordia.models.signal_shape import SignalShape

N_SUPERCLASSES = 5
#: reports that are written for each recording, a third of them in German
N_WRITTEN = 24
_GERMAN = 1 / 3
#: how often a reader's own report stands among those written
_OWN_COPIES = 8
_N_LOOKS = {"twelve": 8, "any": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Recordings with folds, and what is said of each."""

    held: Recordings
    statements: list[tuple[str, ...]]
    reports: list[tuple[str, ...]]
    views: Views

    def rows(self, folds) -> np.ndarray:
        """Return the recordings of some folds."""
        return np.flatnonzero(np.isin(self.held.folds, list(folds)))

    def labels(self, codes) -> np.ndarray:
        """Return 1 where a recording has one of the statements that each code stands for."""
        from precordia.knowledge.lexicon import find_entry

        found = np.zeros((len(self.statements), len(codes)))
        for column, code in enumerate(codes):
            wanted = set(find_entry(code).statements)
            found[:, column] = [bool(wanted & set(own)) for own in self.statements]
        return found


def load_material(data: Path, work: Path) -> Material:
    """Prepare everything, or take what an earlier call kept in ``work``."""
    held = load_recordings(data, work / "recordings.npz")
    kept = np.flatnonzero(held.folds > 0)
    names = held.classes[N_SUPERCLASSES:]
    statements = []
    for row in held.labels[kept]:
        own = [names[k] for k in np.flatnonzero(row[N_SUPERCLASSES:] > 0)]
        statements.append((*(["NORM"] if row[0] > 0 else []), *own))
    reports = _reports(data)
    numbers = [_ecg_id(name) for name in held.names[kept].tolist()]
    views = [_views(work, held.windows, kind) for kind in _N_LOOKS]
    columns = ("mean", "spread", "numbers", "proportions", "present")
    both = (torch.cat([getattr(v, name)[kept] for v in views], 1) for name in columns)
    return Material(
        held=held.part(kept),
        statements=statements,
        reports=[reports.get(number, ()) for number in numbers],
        views=Views(*both),
    )


def written(
    material: Material, rows: np.ndarray, *, seed: int, without=(), own_only: bool = False
) -> list[list[tuple[str, tuple[str, ...]]]]:
    """Return texts of some recordings, each with the statements that it mentions.

    Parameters
    ----------
    material, rows
        The recordings.
    seed
        Of the wording.
    without
        Statements of which no text may speak; a reader's report of a recording that has one is left
        out.
    own_only
        Only what readers wrote; recordings without a report then have no text.
    """
    found = []
    for row in rows.tolist():
        rng = np.random.default_rng([seed, int(row)])
        codes, texts = material.statements[row], []
        if own_only:
            # labels have no say: a text is true of recordings with the very same report
            texts = [(report, (report,)) for report in material.reports[row]]
        elif not set(codes) & set(without):
            texts += [(report, codes) for report in material.reports[row]] * _OWN_COPIES
        for _ in range(0 if own_only else N_WRITTEN):
            language = "de" if rng.random() < _GERMAN else "en"
            text = write_report_text(codes, rng, language=language, without=without)
            if text[0]:
                texts.append(text)
        found.append(texts)
    return found


def _ecg_id(name: str) -> int:
    """Return PTB-XL's number of ``ptbxl-00001_lr``, ``norm-00001`` or ``cinc2021-HR00001``."""
    return int("".join(c for c in name.split("-", 1)[1] if c.isdigit())[:5])


def _reports(data: Path) -> dict[int, tuple[str, ...]]:
    """Return what readers, and their machine translation, say of each number."""
    found: dict[int, list[str]] = {}
    with (data / "ptbxl" / "ptbxl_database.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(int(row["ecg_id"]), []).append(row["report"])
    folder = data / "text" / "ecg-qa-heartllm" / "dataset" / "report" / "ptbxl"
    for path in sorted(folder.iterdir()):
        held = path.read_bytes()
        for row in json.loads(gzip.decompress(held) if path.suffix == ".gz" else held):
            found.setdefault(int(row["ecg_id"]), []).append(row["report"])
    return {
        number: tuple(dict.fromkeys(t for t in texts if t.strip()))
        for number, texts in found.items()
    }


def _views(work: Path, windows: np.ndarray, kind: str) -> Views:
    kept = work / f"views_{kind}.pt"
    if not kept.is_file():
        shape = SignalShape(n_leads=12, n_samples=windows.shape[2], fs=100, leads=STANDARD_12)
        any_lead = kind == "any"
        made = look_at(
            AlignedBeatsNet(shape, 0).eval(),
            windows,
            n_looks=_N_LOOKS[kind],
            any_lead=any_lead,
            seed=int(any_lead),
        )
        torch.save([getattr(made, f) for f in Views.__dataclass_fields__], kept)
    return Views(*torch.load(kept, weights_only=True))
