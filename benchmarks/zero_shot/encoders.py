# SPDX-License-Identifier: Apache-2.0
"""The encoders of recordings that are compared: one that learns from texts alone, and frozen ones.

Each gives a network and a source of its inputs. Beats that were averaged once, and embeddings of a
frozen encoder, are packed as "windows", so that the same training loop serves all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from learn import Recipe, disturb
from material import Material
from torch import Tensor

from precordia.core.leads import STANDARD_12
from precordia.models.aligned_beats import AlignedBeatsNet, BeatView
from precordia.models.encoder import Encoder
from precordia.models.signal_shape import SignalShape
from precordia.training.array_source import ArraySource, still
from precordia.training.usual_input import usual_input

_NUMBERS = 8
#: half of the looks of training show all twelve leads, as the first eight do
_TWELVE_LOOKS = 8


class PackedBeats(AlignedBeatsNet):
    """The network of the classifiers, for beats that were aligned and averaged before."""

    def features(self, x: Tensor, present: Tensor | None) -> Tensor:
        """Return tokens of packed views."""
        if present is None:
            present = torch.ones_like(x[:, :, 0])
        return self.tokens_of(unpack(x), present)


class Frozen(Encoder):
    """An embedding that was computed before, as one token."""

    def features(self, x: Tensor, present: Tensor | None) -> Tensor:
        """Return the embedding."""
        return x

    def stages(self) -> list:
        """Nothing learns."""
        return [torch.nn.Identity()]


def pack(view: BeatView) -> Tensor:
    """Return a view as rows of leads."""
    numbers = torch.zeros(len(view.mean), 12, 1)
    numbers[:, :_NUMBERS, 0] = view.numbers
    return torch.cat([view.mean, view.spread, view.proportions[:, :, None], numbers], 2)


def unpack(x: Tensor) -> BeatView:
    """Return the view of packed rows."""
    n = (x.shape[2] - 2) // 2
    return BeatView(x[:, :, :n], x[:, :, n : 2 * n], x[:, :_NUMBERS, -1], x[:, :, -2])


def beats_encoder(seed: int, *, width: int = 48, dropout: float = 0.0) -> PackedBeats:
    """Return the network that learns from texts alone."""
    torch.manual_seed(seed)
    shape = SignalShape(n_leads=12, n_samples=1000, fs=100, leads=STANDARD_12)
    made = PackedBeats(shape, 0, width=width, dropout=dropout)
    made._checked = lambda x, present: (x, None if present is None else present.float())
    return made


def beats_source(material: Material, rows: np.ndarray) -> ArraySource:
    """Return looks at recordings, disturbed as a new recording might be."""
    n_looks, recipe = material.views.mean.shape[1], Recipe(lead_dropout=0.0)

    def look(batch: np.ndarray, rng: np.random.Generator):
        few = rng.integers(0, _TWELVE_LOOKS, len(batch))
        any_look = rng.integers(0, n_looks, len(batch))
        number = torch.from_numpy(np.where(rng.random(len(batch)) < 0.5, few, any_look))
        view, present = disturb(*material.views.at(rows[batch], number), recipe, rng)
        return pack(view).numpy(), present.numpy()

    return ArraySource(
        spec=usual_input(STANDARD_12, 100, 10.0), patients=_people(material, rows), look=look
    )


@torch.no_grad()
def beats_vectors(learner, material: Material, rows: np.ndarray, look: int = 0) -> np.ndarray:
    """Return the vectors of recordings, all beats and leads seen."""
    learner.eval()
    found = []
    for part in np.array_split(rows, max(1, len(rows) // 256)):
        view, present = material.views.at(part, torch.full((len(part),), look))
        found.append(learner.recording_vectors(pack(view), present))
    return torch.cat(found).numpy()


def frozen_encoder(dim: int) -> Frozen:
    """Return the network of a frozen embedding."""
    made = Frozen(SignalShape(n_leads=1, n_samples=dim, fs=100, leads=("I",)), 0, dim=dim)
    made._checked = lambda x, present: (x, present)
    return made


def frozen_source(material: Material, vectors: np.ndarray, rows: np.ndarray) -> ArraySource:
    """Return embeddings as a source."""
    own = vectors[rows][:, None, :].astype(np.float32)
    return ArraySource(
        spec=usual_input(("I",), 100, vectors.shape[1] / 100),
        patients=_people(material, rows),
        look=still(own, np.ones((len(rows), 1), bool)),
    )


@torch.no_grad()
def frozen_vectors(learner, vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the vectors of frozen embeddings."""
    learner.eval()
    x = torch.from_numpy(vectors[rows][:, None, :].astype(np.float32))
    return learner.recording_vectors(x, torch.ones(len(rows), 1, dtype=torch.bool)).numpy()


def embeddings_of(name: str, material: Material, kept: Path) -> np.ndarray:
    """Return embeddings by a graph of the box, or by a folder of weights.

    They are standardised on folds 1-7, and kept for the next time.
    """
    if not kept.is_file():
        np.save(kept, _embed(name, material.held.windows))
    vectors = np.load(kept).astype(np.float64)
    known = vectors[material.rows(range(1, 8))]
    return ((vectors - known.mean(0)) / (known.std(0) + 1e-6)).astype(np.float32)


def _embed(name: str, windows: np.ndarray) -> np.ndarray:
    if Path(name).is_dir():
        from precordia.models.load_model import load_model
        from precordia.models.saved_model import find_saved

        saved = find_saved(name)
        model = load_model(saved.architecture, n_outputs=0, weights=name, head="new").eval()
        n = model.shape.n_samples
        parts = []
        with torch.no_grad():
            for start in range(0, len(windows), 64):
                x = torch.from_numpy(windows[start : start + 64])
                cuts = [x[:, :, k : k + n] for k in range(0, x.shape[2] - n + 1, n)]
                parts.append(torch.stack([model.encode(c) for c in cuts]).mean(0))
        return torch.cat(parts).numpy()
    from precordia.models.runtime import load_graph

    return load_graph(name)(windows).embedding


def _people(material: Material, rows: np.ndarray) -> np.ndarray:
    return np.unique(material.held.patients[rows], return_inverse=True)[1].astype(np.int64)
