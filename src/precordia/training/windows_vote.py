# SPDX-License-Identifier: Apache-2.0
"""Ask a model about several crops of a window and put its answers together."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import nn

from precordia.core.errors import OptionError, unknown_name
from precordia.training.predict import predict

WAYS = ("max", "mean", "mean-probability")


def predict_by_crops(
    model: nn.Module,
    windows: Any,
    *,
    fs: float,
    seconds: float = 2.5,
    step_seconds: float = 1.25,
    how: Literal["max", "mean", "mean-probability"] = "mean",
    present: Bool[np.ndarray, "record lead"] | None = None,
    batch_size: int = 256,
) -> Float[np.ndarray, "record statement"]:
    """Predict windows by crops of them.

    Parameters
    ----------
    model
        Trained on crops of that length.
    windows
        Array (record, lead, sample), in memory or on disk.
    fs
        Its rate, Hz.
    seconds, step_seconds
        Length of a crop, and from one to the next.
    how
        How the answers become one: see `combine_votes`.
    present
        Which leads were recorded.
    batch_size
        Crops at a time.

    Returns
    -------
    Logits of each record.

    Raises
    ------
    OptionError
        If a crop is longer than the window.

    Notes
    -----
    The benchmark on PTB-XL of Strodthoff et al. trains on random crops of 2.5 s and tests with
    crops 1.25 s apart and ``how="max"``.

    References
    ----------
    Strodthoff N et al. IEEE J Biomed Health Inform 2021;25:1519-1528.
    doi:10.1109/JBHI.2020.3022989

    Examples
    --------
    >>> import torch
    >>> class Highest(nn.Module):
    ...     def forward(self, x, present=None):
    ...         return x.amax(dim=2)
    >>> x = np.arange(20, dtype=np.float32).reshape(1, 1, 20)
    >>> predict_by_crops(Highest(), x, fs=10, seconds=1, step_seconds=0.5, how="mean")
    array([[14.]], dtype=float32)
    """
    n_records, _, n_samples = windows.shape
    length = round(seconds * fs)
    starts = crop_starts(n_samples, length, round(step_seconds * fs))
    at_once = max(1, batch_size // len(starts))
    result = []
    for first in range(0, n_records, at_once):
        batch = np.asarray(windows[first : first + at_once], np.float32)
        crops = np.stack([batch[:, :, s : s + length] for s in starts], axis=1)
        there = None
        if present is not None:
            there = np.repeat(present[first : first + at_once], len(starts), axis=0)
        logits = predict(
            model,
            crops.reshape(-1, batch.shape[1], length),
            present=there,
            batch_size=batch_size,
        )
        result.append(combine_votes(logits.reshape(len(batch), len(starts), -1), how=how))
    return np.concatenate(result) if result else np.zeros((0, 0), np.float32)


def crop_starts(n_samples: int, length: int, step: int) -> Int[np.ndarray, " crop"]:
    """Return where crops begin; the last one ends with the window, so that no sample is left out.

    Raises
    ------
    OptionError
        If crops are longer than the window, or they have no length or step.

    Examples
    --------
    >>> crop_starts(1000, 250, 125).tolist()
    [0, 125, 250, 375, 500, 625, 750]
    >>> crop_starts(10, 4, 4).tolist()
    [0, 4, 6]
    """
    if not 0 < length <= n_samples or step < 1:
        raise OptionError(
            f"crops of {length} samples every {step} were asked for; windows have {n_samples}. "
            "Crops must fit into the window and be at least one sample apart."
        )
    starts = list(range(0, n_samples - length + 1, step))
    if starts[-1] + length < n_samples:
        starts.append(n_samples - length)
    return np.array(starts)


def combine_votes(
    logits: Float[np.ndarray, "record crop statement"],
    *,
    how: Literal["max", "mean", "mean-probability"] = "mean",
) -> Float[np.ndarray, "record statement"]:
    """Make one answer of those about the crops.

    Parameters
    ----------
    logits
        Of each crop.
    how
        ``"max"``: the highest, as a finding anywhere is a finding. ``"mean"``: the mean logit.
        ``"mean-probability"``: the logit of the mean probability.

    Returns
    -------
    Logits.

    Raises
    ------
    UnknownNameError
        If there is no such way.

    Examples
    --------
    >>> combine_votes(np.array([[[0.0], [2.0]]]), how="max")
    array([[2.]])
    """
    if how == "max":
        return logits.max(axis=1)
    if how == "mean":
        return logits.mean(axis=1)
    if how == "mean-probability":
        # log of mean sigmoid, less log of mean (1 - sigmoid), neither of which can underflow to 0
        yes = np.logaddexp.reduce(-np.logaddexp(0, -logits), axis=1)
        no = np.logaddexp.reduce(-np.logaddexp(0, logits), axis=1)
        return yes - no
    raise unknown_name("way to combine votes", how, WAYS, listing=", ".join(WAYS))
