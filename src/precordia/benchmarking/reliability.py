# SPDX-License-Identifier: Apache-2.0
"""Do probabilities mean what they say: reliability in bins, calibration error, Brier's parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Real

from precordia.benchmarking.classification_metrics import brier, check_probabilities
from precordia.core.errors import OptionError, unknown_name
from precordia.core.value import Value

BINS = 15
BINNINGS = ("width", "mass")
Binning = Literal["width", "mass"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability(Value):
    """What was said and what was so, in bins of the probability.

    Attributes
    ----------
    said
        Mean probability in each bin; empty bins are left out.
    so
        Share of positive records in each bin.
    low, high
        Ends of the 95 % interval of `so` (Wilson).
    n
        Records in each bin.
    """

    said: Float[np.ndarray, " _"]
    so: Float[np.ndarray, " _"]
    low: Float[np.ndarray, " _"]
    high: Float[np.ndarray, " _"]
    n: Int[np.ndarray, " _"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrierParts(Value):
    """The Brier score in parts: ``score = reliability - resolution + uncertainty + within``.

    Attributes
    ----------
    score
        The Brier score.
    reliability
        Distance of what was said from what was so, over bins; 0 is best.
    resolution
        How far bins differ in what was so; high is best.
    uncertainty
        Variance of the truth; not the method's doing.
    within
        What probabilities differ within bins; 0 where each bin holds one probability.
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


def reliability(
    targets: Real[np.ndarray, " batch"],
    probabilities: Float[np.ndarray, " batch"],
    *,
    n_bins: int = BINS,
    binning: Binning = "mass",
) -> Reliability:
    """Return the reliability curve of one class.

    Parameters
    ----------
    targets
        1, 0, or NaN where unknown.
    probabilities
        Of the class.
    n_bins
        Number of bins.
    binning
        ``"width"``: bins of equal width; ``"mass"``: bins of about equally many records, equal
        probabilities always in one.

    References
    ----------
    Wilson EB. J Am Stat Assoc 1927;22:209. doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> curve = reliability(np.array([0, 1, 1, 1]), np.array([0.2, 0.2, 0.9, 0.9]), n_bins=2)
    >>> curve.said, curve.so
    (array([0.2, 0.9]), array([0.5, 1. ]))
    """
    truth, probability = known_labels(targets, probabilities)
    said, so, n = binned(truth, probability, n_bins, binning)
    z2 = 1.959963984540054**2
    middle = (so + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (so * (1 - so) + z2 / (4 * n)) / n) / (1 + z2 / n)
    return Reliability(
        said=said, so=so, low=np.maximum(middle - half, 0), high=np.minimum(middle + half, 1), n=n
    )


def ece(
    targets: Real[np.ndarray, "batch statement"],
    probabilities: Float[np.ndarray, "batch statement"],
    *,
    n_bins: int = BINS,
    binning: Binning = "width",
) -> Float[np.ndarray, " statement"]:
    """Return the expected calibration error of each class: the mean distance of said and so.

    Parameters
    ----------
    targets, probabilities
        ``(record, class)``; NaN targets count for nothing.
    n_bins, binning
        As of `reliability`.

    Returns
    -------
    0 (what is said is so) to 1; NaN where no label is known. It is biased upwards by chance where
    bins hold few records.

    References
    ----------
    Naeini MP et al. AAAI 2015;29:2901. Nixon J et al. CVPR Workshops 2019, arXiv:1904.01685

    Examples
    --------
    >>> ece(np.array([[1], [0], [1], [0]]), np.full((4, 1), 0.75))
    array([0.25])
    """
    targets, probabilities = np.asarray(targets, float), np.asarray(probabilities, float)
    found = np.full(targets.shape[1], np.nan)
    for k in range(targets.shape[1]):
        truth, probability = known_labels(targets[:, k], probabilities[:, k])
        if truth.size:
            said, so, n = binned(truth, probability, n_bins, binning)
            found[k] = (n * np.abs(said - so)).sum() / n.sum()
    return found


def brier_parts(
    targets: Real[np.ndarray, " batch"],
    probabilities: Float[np.ndarray, " batch"],
    *,
    n_bins: int = BINS,
    binning: Binning = "width",
) -> BrierParts:
    """Divide the Brier score of one class into reliability, resolution and uncertainty.

    Notes
    -----
    *Method*: Murphy's three parts over bins and, so that the sum is exact, the two of Stephenson
    for what differs within bins, as one.

    References
    ----------
    Murphy AH. J Appl Meteorol 1973;12:595. Stephenson DB et al. Weather Forecast 2008;23:752.
    doi:10.1175/2007WAF2006116.1

    Examples
    --------
    >>> parts = brier_parts(np.array([1.0, 0.0, 1.0, 0.0]), np.full(4, 0.5))
    >>> parts.score, parts.uncertainty, parts.reliability
    (0.25, 0.25, 0.0)
    """
    truth, probability = known_labels(targets, probabilities)
    if not truth.size:
        nan = float("nan")
        return BrierParts(score=nan, reliability=nan, resolution=nan, uncertainty=nan, within=nan)
    said, so, n = binned(truth, probability, n_bins, binning)
    share = n / n.sum()
    base = truth.mean()
    score = float(brier(truth[:, None], probability[:, None])[0])
    parts = {
        "reliability": float((share * (said - so) ** 2).sum()),
        "resolution": float((share * (so - base) ** 2).sum()),
        "uncertainty": float(base * (1 - base)),
    }
    murphy = parts["reliability"] - parts["resolution"] + parts["uncertainty"]
    return BrierParts(score=score, within=score - murphy, **parts)


def known_labels(
    targets: Real[np.ndarray, " batch"], probabilities: Float[np.ndarray, " batch"]
) -> tuple[Float[np.ndarray, " _"], Float[np.ndarray, " _"]]:
    """Return the known labels of one class and their probabilities, or say what is wrong."""
    targets, probabilities = np.asarray(targets, float), np.asarray(probabilities, float)
    check_probabilities(probabilities)
    known = np.isfinite(targets)
    return targets[known], probabilities[known]


def binned(
    truth: Float[np.ndarray, " batch"],
    probability: Float[np.ndarray, " batch"],
    n_bins: int,
    binning: str,
) -> tuple[Float[np.ndarray, " _"], Float[np.ndarray, " _"], Int[np.ndarray, " _"]]:
    """Return mean probability, share of positives and number of records of each bin that has any.

    Parameters
    ----------
    truth, probability
        Known labels and their probabilities.
    n_bins, binning
        As of `reliability`.

    Raises
    ------
    OptionError, UnknownNameError
        If there is no bin or no such binning.

    Examples
    --------
    >>> binned(np.array([0.0, 1.0]), np.array([0.2, 0.4]), 1, "width")
    (array([0.3]), array([0.5]), array([2]))
    """
    if n_bins < 1:
        raise OptionError(f"n_bins is {n_bins}; at least 1 is needed.")
    if binning == "width":
        at = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    elif binning == "mass":
        inner = np.quantile(probability, np.arange(1, n_bins) / n_bins) if truth.size else ()
        at = np.searchsorted(np.unique(inner), probability, side="right")
    else:
        raise unknown_name("binning", str(binning), BINNINGS, listing="width, mass")
    n = np.bincount(at, minlength=1) if truth.size else np.zeros(1, int)
    held = n > 0
    said = np.bincount(at, probability, n.size)[held] / n[held]
    so = np.bincount(at, truth, n.size)[held] / n[held]
    return said, so, n[held]
