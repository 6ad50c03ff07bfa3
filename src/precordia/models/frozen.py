# SPDX-License-Identifier: Apache-2.0
"""What an encoder that learns nothing says of windows: arrays in, arrays out, wherever it is."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float

from precordia.models.device import repeatable


@torch.no_grad()
def encode_frozen(
    encoder: Any,
    windows: Float[np.ndarray, "batch lead sample"],
    present: Bool[np.ndarray, "batch lead"] | None = None,
    *,
    what: Literal["embedding", "tokens"] = "embedding",
) -> Float[np.ndarray, "batch ..."]:
    """Return embeddings or tokens of windows.

    Parameters
    ----------
    encoder
        Has ``encode(x, present)`` and ``tokens(x, present)``; on any device, in evaluation mode.
    windows
        As its input specification prepares them.
    present
        Which leads were recorded; all by default, and where all are.
    what
        One vector per window, or its tokens.

    Returns
    -------
    As float32.

    Examples
    --------
    >>> class Mean(torch.nn.Module):
    ...     def encode(self, x, present=None):
    ...         return x.mean(dim=2)
    >>> encode_frozen(Mean(), np.ones((5, 2, 9), np.float32)).shape
    (5, 2)
    """
    device = next((p.device for p in encoder.parameters()), torch.device("cpu"))
    x = torch.from_numpy(np.ascontiguousarray(windows, np.float32)).to(device)
    there = None
    if present is not None and not present.all():
        there = torch.from_numpy(np.ascontiguousarray(present)).to(device)
    with repeatable(device):
        made = encoder.encode(x, there) if what == "embedding" else encoder.tokens(x, there)
    return made.float().cpu().numpy()
