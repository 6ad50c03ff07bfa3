# SPDX-License-Identifier: Apache-2.0
"""The augmentations of a configuration, told what they must know of windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from precordia.core.input_spec import InputSpec
from precordia.training.augmenter import Augmenter
from precordia.training.training_set import TrainingSet
from precordia.training.window_rpeaks import detect_window_rpeaks


def augmenter_for(train: TrainingSet, steps: tuple[Any, ...], spec: InputSpec) -> Augmenter:
    """Return augmentations for the windows of a training set.

    Parameters
    ----------
    train
        The windows.
    steps
        From `precordia.training.augmentations.augmentations_from_tables`.
    spec
        How the windows were made.
    """

    def fetch(rows: np.ndarray) -> tuple[Tensor, Tensor | None, Tensor | None]:
        present = None if train.present is None else torch.from_numpy(train.present[rows])
        return torch.from_numpy(train.gather(rows)), present, torch.from_numpy(train.labels[rows])

    rpeaks = None
    if any(step.needs == "rpeaks" for step in steps):
        one_by_one = (train.gather(np.array([row]))[0] for row in range(len(train)))
        rpeaks = detect_window_rpeaks(one_by_one, spec.fs)
    return Augmenter(
        steps=steps,
        fs=spec.fs,
        leads=spec.leads,
        one_scale=spec.scale_needed != "none",
        rpeaks=rpeaks,
        fetch=fetch,
        n_records=len(train),
    )
