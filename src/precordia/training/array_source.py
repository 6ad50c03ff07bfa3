# SPDX-License-Identifier: Apache-2.0
"""Windows that are in memory already, as a source of batches without labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from precordia.core.input_spec import InputSpec
from precordia.training.group_order import Choice
from precordia.training.unlabelled_batch import UnlabelledBatch

#: gives windows of recordings, and their leads; random numbers for whatever is changed
Look = Callable[[Int[np.ndarray, " batch"], np.random.Generator], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArraySource:
    """Recordings by number, each with one window at a time.

    Attributes
    ----------
    spec
        What the windows are.
    patients
        Number of the patient of each recording.
    look
        Gives the windows of some recordings and which leads are there; `still` where they are never
        changed.
    """

    spec: InputSpec
    patients: Int[np.ndarray, " _"]
    look: Look

    @property
    def together(self) -> int:
        """Windows that are taken of a recording at once."""
        return 1

    def __len__(self) -> int:
        return len(self.patients)

    def batch(self, choice: Choice) -> UnlabelledBatch:
        """Return the windows of a batch; what is drawn depends on seed, epoch and number alone."""
        rows = np.asarray(choice.stretches)
        rng = np.random.default_rng((np.asarray(choice.places) * 2**32).astype(np.uint64))
        windows, present = self.look(rows, rng)
        unknown = torch.full((len(rows),), torch.nan)
        return UnlabelledBatch(
            windows=torch.from_numpy(np.ascontiguousarray(windows, np.float32)),
            present=torch.from_numpy(np.asarray(present, bool)),
            patients=torch.from_numpy(self.patients[rows]),
            records=torch.from_numpy(rows),
            starts=torch.zeros(len(rows), dtype=torch.int64),
            fs=self.spec.fs,
            leads=self.spec.leads,
            ages=unknown,
            males=unknown,
        )


def still(windows: Float[np.ndarray, "_ lead sample"], present: Bool[np.ndarray, "_ lead"]) -> Look:
    """Return a look that gives the windows as they are.

    Examples
    --------
    >>> look = still(np.zeros((3, 2, 5), np.float32), np.ones((3, 2), bool))
    >>> look(np.array([2, 0]), np.random.default_rng(0))[0].shape
    (2, 2, 5)
    """
    return lambda rows, _: (windows[rows], present[rows])
