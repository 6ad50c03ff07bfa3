# SPDX-License-Identifier: Apache-2.0
"""Patches: pieces of a lead of equal length, and symbols laid out lead by lead."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int


def in_patches(
    signal: Float[np.ndarray, "lead sample"], size: int
) -> Float[np.ndarray, "lead _ _"]:
    """Cut each lead into patches; the last one is filled with the last value.

    Examples
    --------
    >>> in_patches(np.array([[1.0, 2.0, 3.0]]), 2).tolist()
    [[[1.0, 2.0], [3.0, 3.0]]]
    """
    n = signal.shape[1]
    n_patches = -(-n // size)
    padded = np.pad(signal, ((0, 0), (0, n_patches * size - n)), mode="edge")
    return padded.reshape(len(signal), n_patches, size)


def training_patches(
    signals: list[np.ndarray], size: int, *, most: int, seed: int
) -> Float[np.ndarray, "token _"]:
    """Gather patches of recordings, each (lead, sample); drawn where there are over ``most``."""
    rng = np.random.default_rng(seed)
    share = -(-most // max(1, len(signals)))
    parts = []
    for signal in signals:
        patches = in_patches(signal, size).reshape(-1, size)
        if len(patches) > share:
            patches = patches[rng.choice(len(patches), share, replace=False)]
        parts.append(patches)
    return np.concatenate(parts)


def laid_out(
    symbols: Int[np.ndarray, "lead patch _"], present: Bool[np.ndarray, " all"], size: int
) -> tuple[Int[np.ndarray, " token"], Int[np.ndarray, " token"], Int[np.ndarray, " token"]]:
    """Lay symbols of patches out: lead after lead, patch after patch, all symbols of a patch.

    Parameters
    ----------
    symbols
        Of the leads that are present.
    present
        Which leads of the recording these are.
    size
        Samples a patch.

    Returns
    -------
    Symbol, lead and first sample of each token.
    """
    n_leads, n_patches, each = symbols.shape
    lead = np.repeat(np.flatnonzero(present), n_patches * each)
    start = np.tile(np.repeat(np.arange(n_patches) * size, each), n_leads)
    return symbols.reshape(-1).astype(np.int64), lead, start


def of_patches(
    symbols: Int[np.ndarray, " token"], lead: Int[np.ndarray, " token"], n_leads: int, each: int
) -> list[Int[np.ndarray, "_ _"]]:
    """Undo `laid_out`: a row a patch for each lead, no rows for one without tokens."""
    held = [symbols[lead == k] for k in range(n_leads)]
    return [said[: len(said) // each * each].reshape(-1, each) for said in held]


def joined(patches: Float[np.ndarray, "patch _"], n: int) -> Float[np.ndarray, " sample"]:
    """Join patches to a lead of ``n`` samples; what is missing at the end is zero."""
    flat = patches.reshape(-1)[:n]
    return np.pad(flat, (0, n - len(flat)))
