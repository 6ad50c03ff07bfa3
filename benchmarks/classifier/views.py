# SPDX-License-Identifier: Apache-2.0
"""What the networks see of every recording, computed once: beats averaged in several ways.

Training looks at a recording many times. Each time it sees the mean of another half of its beats
(or, for any leads, beats as another set of leads shows them), which costs nothing once computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from precordia.models.aligned_beats import AlignedBeatsNet, BeatView

#: sets of leads that people have, and how often training shows them; "" stands for any leads
LEAD_SETS = {
    "I II III aVR aVL aVF V1 V2 V3 V4 V5 V6": 3,
    "I II III aVR aVL aVF": 2,
    "I II III aVR aVL aVF V2": 1,
    "I": 4,
    "II": 2,
    "V5": 1,
    "": 3,
}
LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]


@dataclass(frozen=True, slots=True)
class Views:
    """Several views of each recording; the first has all beats and all leads."""

    mean: Tensor  # record, look, lead, sample; half precision
    spread: Tensor
    numbers: Tensor  # record, look, number
    proportions: Tensor  # record, look, lead
    present: Tensor  # record, look, lead

    def __len__(self) -> int:
        return len(self.mean)

    def at(self, rows: np.ndarray, look: Tensor) -> tuple[BeatView, Tensor]:
        """Return one look at each of some recordings, and which leads it shows."""
        rows = torch.as_tensor(rows)
        present = self.present[rows, look].float()
        beats = (self.mean[rows, look].float(), self.spread[rows, look].float())
        return BeatView(*beats, self.numbers[rows, look], self.proportions[rows, look]), present


def look_at(
    model: AlignedBeatsNet, windows: np.ndarray, *, n_looks: int, any_lead: bool, seed: int
) -> Views:
    """Compute looks at every window.

    Parameters
    ----------
    model
        Whose eyes; its weights do not matter.
    windows
        Prepared windows.
    n_looks
        How many; the first is that of all beats and leads.
    any_lead
        Whether the others show sets of leads rather than all.
    seed
        Of the beats and leads that are shown.
    """
    rng = np.random.default_rng(seed)
    columns: list[list[Tensor]] = [[], [], [], [], []]
    for start in range(0, len(windows), 128):
        x = torch.from_numpy(windows[start : start + 128])
        looks = [_look(model, x, k, any_lead, rng) for k in range(n_looks)]
        for column, parts in zip(columns, zip(*looks, strict=True), strict=True):
            column.append(torch.stack(parts, 1))
    return Views(*(torch.cat(column) for column in columns))


@torch.no_grad()
def _look(model, x: Tensor, number: int, any_lead: bool, rng: np.random.Generator):
    present, keep = torch.ones(x.shape[:2]), None
    if number:
        keep = torch.from_numpy((rng.random((len(x), 24)) < 0.5).astype(np.float32))
        if any_lead:
            present = torch.from_numpy(np.stack([draw_leads(rng) for _ in range(len(x))]))
    view = model.look(x * present[:, :, None], present, keep)
    return view.mean.half(), view.spread.half(), view.numbers, view.proportions, present.half()


def draw_leads(rng: np.random.Generator) -> np.ndarray:
    """Draw which leads are there: 1 for each of twelve that is."""
    often = np.array(list(LEAD_SETS.values()), float)
    names = list(LEAD_SETS)[rng.choice(len(often), p=often / often.sum())]
    if names:
        return lead_mask(names)
    mask = (rng.random(12) < rng.uniform(0.1, 0.9)).astype(np.float32)
    mask[rng.integers(12)] = 1
    return mask


def lead_mask(names: str) -> np.ndarray:
    """Return 1 for each of the twelve leads that is named."""
    return np.array([lead in names.split() for lead in LEADS], np.float32)
