# SPDX-License-Identifier: Apache-2.0
"""The networks that judge beats, evaluated in NumPy: a beat among those before and after it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from precordia.core.cards import Card, read_card
from precordia.core.errors import WeightsError

STEM = "precordia_beats"
DILATIONS = (1, 2, 4, 8)
#: how many beats on either side a network looks at
REACH = sum(DILATIONS)
_STRETCH = 8192


@dataclass(frozen=True, slots=True)
class BeatWeights:
    """Weights of several networks of one form.

    Attributes
    ----------
    arrays
        Arrays by name, the networks along the first axis.
    card
        What they are.
    """

    arrays: dict[str, np.ndarray]
    card: Card


@lru_cache(maxsize=1)
def beat_weights() -> BeatWeights:
    """Load the weights that ship with the package.

    Raises
    ------
    WeightsError
        If they are not there.
    """
    box = files("precordia.models") / "box"
    try:
        with (box / f"{STEM}.npz").open("rb") as file, np.load(file, allow_pickle=False) as kept:
            arrays = {name: kept[name].astype(np.float32) for name in kept.files}
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"the weights '{STEM}.npz' cannot be read ({error}); beats cannot be classified "
            "without them. Reinstall the package."
        ) from error
    return BeatWeights(arrays, read_card(box / f"{STEM}.toml"))


def judge_beats(
    features: Float[np.ndarray, "beat dim"], arrays: dict[str, np.ndarray]
) -> Float[np.ndarray, "beat 4"]:
    """Give the probabilities of N, S, V and F for beats that follow one another.

    Parameters
    ----------
    features
        Timing and shape of each beat, as they come.
    arrays
        Weights of the networks: ``mean`` and ``sd`` of the features, and ``in``, ``near<k>``,
        ``mix<k>``, ``hidden`` and ``out`` with their biases.

    Returns
    -------
    The mean of the probabilities that the networks give.

    Notes
    -----
    Each network is a row of residual convolutions over beats (three beats, 1, 2, 4 and 8 apart), so
    that a beat is judged with 15 before and 15 after it. Long recordings are judged in stretches
    that share so many beats, which changes nothing.
    """
    n = len(features)
    out = np.zeros((n, 4))
    for start in range(0, n, _STRETCH):
        stop = min(n, start + _STRETCH)
        low, high = max(0, start - REACH), min(n, stop + REACH)
        x = np.clip((features[low:high] - arrays["mean"]) / arrays["sd"], -5, 5)
        for k in range(len(arrays["in"])):
            logits = _logits(x.astype(np.float32), {name: a[k] for name, a in arrays.items()
                                                    if name not in ("mean", "sd")})  # fmt: skip
            logits = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares = logits / logits.sum(axis=1, keepdims=True)
            out[start:stop] += shares[start - low : stop - low] / len(arrays["in"])
    return out


def _logits(x: np.ndarray, w: dict[str, np.ndarray]) -> np.ndarray:
    h = np.maximum(x @ w["in"] + w["in_bias"], 0.0)
    for k, apart in enumerate(DILATIONS):
        near = w[f"near{k}"]
        padded = np.pad(h, ((apart, apart), (0, 0)))
        inner = h @ near[1] + w[f"near{k}_bias"]
        inner += padded[: len(h)] @ near[0]
        inner += padded[2 * apart :] @ near[2]
        h = h + np.maximum(inner, 0.0) @ w[f"mix{k}"] + w[f"mix{k}_bias"]
    hidden = np.maximum(h @ w["hidden"] + w["hidden_bias"], 0.0)
    return hidden @ w["out"] + w["out_bias"]
