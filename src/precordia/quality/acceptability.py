# SPDX-License-Identifier: Apache-2.0
"""Probability that an expert accepts a recording, from the indices of its leads."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from precordia.core.errors import WeightsError
from precordia.quality.indices import LeadIndices

#: +1 where a larger value speaks for a readable lead, -1 where it speaks against it
DIRECTION = {
    "flat_fraction": -1,
    "flat_longest_s": -1,
    "rail_fraction": -1,
    "noise_ratio": -1,
    "noise_typical_ratio": -1,
    "burst_ratio": -1,
    "burst_peak_ratio": -1,
    "quiet_ratio": -1,
    "busy_ratio": -1,
    "spike_ratio": -1,
    "baseline_ratio": -1,
    "baseline_rms_ratio": -1,
    "step_ratio": -1,
    "drift_ratio": -1,
    "off_scale_fraction": -1,
    "off_scale_2_fraction": -1,
    "fast_ratio": -1,
    "kurtosis": 1,
    "predicted_ratio": 1,
    "template_correlation": 1,
    "template_low_correlation": 1,
    "beat_snr_ratio": 1,
    "beat_snr_low_ratio": 1,
    "qrs_contrast_ratio": 1,
}
WINDOW_DIRECTION = {
    "rr_variation_ratio": -1,
    "rr_longest_s": -1,
    "eigen_2_ratio": 1,
    "eigen_3_ratio": 1,
}
#: where an index cannot be had (a single lead is not foretold by others, three beats need some
#: seconds): a usual value of a readable lead
_USUAL = {
    "predicted_ratio": 0.9,
    "template_correlation": 0.97,
    "template_low_correlation": 0.95,
    "beat_snr_ratio": 5.0,
    "beat_snr_low_ratio": 4.0,
    "qrs_contrast_ratio": 5.0,
}
#: ranks among twelve leads, worst first, that enter the model
RANKS = (0, 1, 2, 3, 6)


def order_statistics(indices: LeadIndices) -> Float[np.ndarray, " dim"]:
    """Arrange the indices of a window as badness: the worst lead, the second worst, and so on.

    Parameters
    ----------
    indices
        Indices of one window of any number of leads.

    Returns
    -------
    One number per index and rank, then one per window index; larger is worse everywhere.

    Notes
    -----
    With fewer than twelve leads a rank beyond the last lead repeats the last lead, so that a
    single noisy lead reads as a recording that is noisy throughout.
    """
    stack = np.sort(_badness(indices), axis=1)[:, ::-1]
    ranks = np.minimum(RANKS, stack.shape[1] - 1)
    window = [-sign * indices.window[name] for name, sign in WINDOW_DIRECTION.items()]
    return np.concatenate([stack[:, ranks].ravel(), window])


def _badness(indices: LeadIndices) -> np.ndarray:
    stack = np.stack([-sign * indices.lead[name] for name, sign in DIRECTION.items()])
    unknown = np.isnan(stack)
    if unknown.any():
        usual = np.array([-sign * _USUAL.get(name, 0.0) for name, sign in DIRECTION.items()])
        stack = np.where(unknown, usual[:, None], stack)
    return stack


def each_as_worst(indices: LeadIndices, clean: Float[np.ndarray, " dim"]) -> np.ndarray:
    """Rows of badness of a clean recording whose four worst leads are replaced by one lead."""
    stack = _badness(indices)
    rows = np.tile(clean, (stack.shape[1], 1))
    for rank in range(4):
        at = np.arange(stack.shape[0]) * len(RANKS) + rank
        rows[:, at] = np.maximum(stack.T, clean[at])
    return rows


@dataclass(frozen=True, slots=True)
class AcceptabilityModel:
    """Additive monotone model: each badness adds to the log odds, never subtracts.

    Attributes
    ----------
    knots
        Badness at which the slope of each term may change, (knot, dim).
    weights
        Height of each ramp between knots, all >= 0, (knot - 1, dim).
    bias
        Log odds of rejection of a recording with no badness at all.
    clean
        Median badness of accepted recordings.
    threshold
        Smallest probability that counts as acceptable.
    version
        Version of the weights.
    """

    knots: np.ndarray
    weights: np.ndarray
    bias: float
    clean: np.ndarray
    threshold: float
    version: str

    def probability(self, rows: Float[np.ndarray, "window dim"]) -> Float[np.ndarray, " window"]:
        """Probability that an expert accepts, for each row of badness."""
        total = np.full(len(rows), self.bias)
        ramps = ramp_basis(rows, self.knots)
        total += np.einsum("wkd,kd->w", ramps, self.weights)
        return 1.0 / (1.0 + np.exp(np.clip(total, -30.0, 30.0)))


def ramp_basis(rows: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Position of each value between each pair of neighbouring knots, 0 below and 1 above."""
    low, width = knots[:-1], np.maximum(np.diff(knots, axis=0), 1e-6)
    return np.clip((rows[:, None, :] - low) / width, 0.0, 1.0)


@functools.cache
def load_model() -> AcceptabilityModel:
    """Load the weights that ship with the package.

    Raises
    ------
    WeightsError
        If the file is missing or damaged.
    """
    path = files("precordia.quality") / "acceptability.npz"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as z:
            return AcceptabilityModel(
                z["knots"].astype(float),
                z["weights"].astype(float),
                float(z["bias"]),
                z["clean"].astype(float),
                float(z["threshold"]),
                str(z["version"]),
            )
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"the weights '{path.name}' cannot be read ({error}). Reinstall the package."
        ) from error
