# SPDX-License-Identifier: Apache-2.0
"""Embeddings of many windows, computed once: kept by weights, preparation and content."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import nn

from precordia.core.errors import OptionError, OutputError, SignalError
from precordia.core.output import whole_file
from precordia.core.settings import settings
from precordia.models.frozen import encode_frozen

#: changes whenever the same weights and windows may give other numbers
_VERSION = 1


def embed_windows(
    model: nn.Module,
    windows: Any,
    *,
    present: Bool[np.ndarray, "record lead"] | None = None,
    fingerprint: str = "",
    what: Literal["embedding", "tokens"] = "embedding",
    batch_size: int = 128,
    folder: Path | str | None = None,
    cache: bool = True,
    watch: Callable[[int, int], None] | None = None,
) -> Float[np.ndarray, "record ..."]:
    """Embed windows with a model, taking from the cache what was embedded before.

    Parameters
    ----------
    model
        Has ``encode(x, present)`` and ``tokens(x, present)``, such as any of `load_model`.
    windows
        Array, in memory or on disk, of shape (record, lead, sample).
    present
        Which leads were recorded; all by default.
    fingerprint
        Of the input specification that the windows were prepared with. Windows are compared by
        content anyway; it keeps caches of different preparations apart.
    what
        One vector per window, or its tokens.
    batch_size
        Windows at a time. Another size has a cache of its own, as the last digits may differ.
    folder
        Where to keep embeddings; the folder of computed files by default.
    cache
        Whether to use a cache at all.
    watch
        Is told how many windows are done and how many there are.

    Returns
    -------
    Embeddings as float32.

    Raises
    ------
    SignalError
        If shapes disagree, or the model gives something that is no number.
    OptionError
        If ``what`` is neither, or the batch is empty.

    Notes
    -----
    Each batch is a file, whose name follows from what is in it and whose folder follows from all
    weights of the model and the fingerprint. An interrupted run goes on where it stopped; damaged
    files are computed again; a full or read-only disk costs time and nothing else.

    Examples
    --------
    >>> class Mean(nn.Module):
    ...     def encode(self, x, present=None):
    ...         return x.mean(dim=2)
    >>> embed_windows(Mean(), np.ones((5, 2, 9), np.float32), cache=False).shape
    (5, 2)
    """
    if what not in ("embedding", "tokens"):
        raise OptionError(f"what is '{what}'; 'embedding' or 'tokens' is needed.")
    if batch_size < 1:
        raise OptionError(f"batch_size is {batch_size}; at least 1 is needed.")
    n = len(windows)
    if present is not None and len(present) != n:
        raise SignalError(f"present has {len(present)} rows and there are {n} windows.")
    place = None
    if cache:
        key = f"v{_VERSION}-{hash_weights(model)}-{fingerprint or 'plain'}-{what}-{batch_size}"
        place = (Path(folder) if folder else settings().cache / "window-embeddings") / key
    was_training = model.training
    model.eval()
    pieces = []
    try:
        for first in range(0, n, batch_size):
            batch = np.ascontiguousarray(windows[first : first + batch_size], np.float32)
            there = None if present is None else present[first : first + batch_size]
            pieces.append(_piece(model, batch, there, what, place))
            if watch is not None:
                watch(min(first + batch_size, n), n)
    finally:
        model.train(was_training)
    return np.concatenate(pieces) if pieces else np.zeros((0, 0), np.float32)


def hash_weights(model: nn.Module) -> str:
    """Return 32 hexadecimal digits that change with any weight, statistic or name of a model.

    They change with its options, the leads that it was made for and its rate too.

    Examples
    --------
    >>> first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    >>> hash_weights(first) == hash_weights(second)
    False
    """
    digest = hashlib.blake2b(type(model).__qualname__.encode(), digest_size=16)
    for name, tensor in sorted(model.state_dict().items()):
        held = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {held.dtype} {tuple(held.shape)}".encode())
        digest.update(held.flatten().view(torch.uint8).numpy().data if held.numel() else b"")
    options = getattr(model, "options", None)  # what shapes a model without being a weight
    digest.update(repr(sorted(options.items(), key=str) if options else "").encode())
    shape = getattr(model, "shape", None)  # names of leads, and the rate, that some models know
    digest.update(repr(shape).encode() if shape is not None else b"")
    return digest.hexdigest()


def _piece(model, batch, there, what, place):
    path = None
    if place is not None:
        digest = hashlib.blake2b(str(batch.shape).encode(), digest_size=16)
        digest.update(batch.data)
        if there is not None and not there.all():
            digest.update(np.packbits(there).data)
        path = place / f"{digest.hexdigest()}.npy"
        with contextlib.suppress(OSError, ValueError, EOFError):
            held = np.load(path, allow_pickle=False)
            if len(held) == len(batch) and held.dtype == np.float32:
                return held
    found = _embed(model, batch, there, what)
    if path is not None:
        with contextlib.suppress(OSError, OutputError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path, overwrite=True) as part, part.open("wb") as file:
                np.save(file, found, allow_pickle=False)
    return found


def _embed(model, batch, there, what):
    found = encode_frozen(model, batch, there, what=what)
    if len(found) != len(batch):
        raise SignalError(f"the model gave {len(found)} embeddings of {len(batch)} windows.")
    if not np.isfinite(found).all():
        raise SignalError(
            "the model gave NaN or infinity for a window. Check the windows (finite, scaled as the "
            "model's card says) and the weights."
        )
    return found
