# SPDX-License-Identifier: Apache-2.0
"""Suspect exchanged electrodes from the pattern of the leads."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from precordia.core.errors import WeightsError
from precordia.core.leads import PRECORDIAL
from precordia.core.record import Remark
from precordia.quality.indices import LeadIndices

_BEFORE_S, _AFTER_S = 0.25, 0.45
_PARTS_S = {"p": (-0.22, -0.07), "qrs": (-0.06, 0.06), "t": (0.12, 0.40)}
_NEEDED = ("I", "II", *PRECORDIAL)
_MIN_BEATS = 4
_MIN_CORRELATION = 0.8


def beat_pattern(indices: LeadIndices, leads: tuple[str, ...]) -> Float[np.ndarray, " dim"] | None:
    """Describe the median beat by the likeness of its leads and the areas of its waves.

    Parameters
    ----------
    indices
        Indices of one window, with its beats.
    leads
        Names of the rows.

    Returns
    -------
    Numbers that no gain changes, of a single precordial lead either; None where the leads I, II,
    V1-V6 are not all there, or one of them is too noisy for a median beat.
    """
    place = {name: row for row, name in enumerate(leads)}
    if not all(name in place for name in _NEEDED):
        return None
    rows = [place[name] for name in _NEEDED]
    if indices.lead["template_correlation"][rows].min() < _MIN_CORRELATION:
        return None
    fs, n = indices.fs, indices.wave_mv.shape[1]
    before, after = int(_BEFORE_S * fs), int(_AFTER_S * fs)
    at = np.rint(indices.beats * fs).astype(int)
    at = at[(at >= before) & (at + after < n)]
    if len(at) < _MIN_BEATS:
        return None
    beat = np.median(indices.wave_mv[rows][:, at[:, None] + np.arange(-before, after)], axis=1)
    beat = beat - np.median(beat, axis=1, keepdims=True)
    size = np.sqrt(np.mean(beat**2, axis=1))
    if size.min() <= 0:
        return None
    limb = np.sqrt((size[0] ** 2 + size[1] ** 2 + np.mean((beat[1] - beat[0]) ** 2)) / 3)
    scale = np.concatenate([[limb, limb], size[2:]])
    beat = beat / scale[:, None]
    t = (np.arange(beat.shape[1]) - before) / fs
    qrs = beat[:, (t >= -0.06) & (t <= 0.06)]
    upper = np.triu_indices(len(rows), 1)
    parts = [_likeness(beat)[upper], _likeness(qrs)[upper]]
    parts += [beat[:, (t >= a) & (t <= b)].mean(axis=1) for a, b in _PARTS_S.values()]
    parts += [qrs.max(axis=1) / 3.0, qrs.min(axis=1) / 3.0]
    p = beat[:, (t >= -0.22) & (t <= -0.07)]
    parts.append((p.max(axis=1) + p.min(axis=1) - 2 * np.median(p, axis=1)) * 2.0)
    return np.clip(np.concatenate(parts), -4.0, 4.0)


def _likeness(beat):
    size = np.sqrt((beat**2).sum(axis=1)) + 1e-9
    return (beat @ beat.T) / (size[:, None] * size)


@dataclass(frozen=True, slots=True)
class ReversalModel:
    """Small network over beat patterns: one output for "as it should be", one for each exchange."""

    names: tuple[str, ...]
    centre: np.ndarray
    spread: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    limit: float

    def log_odds(self, patterns: Float[np.ndarray, "window dim"]) -> np.ndarray:
        """Log odds of each exchange against the leads being right, (window, exchange)."""
        h = (patterns - self.centre) / self.spread
        for weight, bias in self.layers[:-1]:
            h = np.maximum(h @ weight + bias, 0.0)
        h = h @ self.layers[-1][0] + self.layers[-1][1]
        return h[:, 1:] - h[:, :1]


def suspect_reversal(indices: LeadIndices, leads: tuple[str, ...]) -> tuple[Remark, ...]:
    """Name exchanged electrodes where the evidence is strong.

    Parameters
    ----------
    indices
        Indices of one window, with its beats.
    leads
        Names of the rows.

    Returns
    -------
    At most one remark. Its code is ``"limb-reversal"`` or ``"precordial-swap"``.

    Notes
    -----
    A network with one hidden layer reads the median beat: correlations between leads, areas of P,
    QRS and T. It was trained on real recordings whose leads were exchanged by algebra (the effect
    is exact, see Batchvarov 2007). The limit was set for fewer than five false alarms in a
    thousand recordings; exchange of LA and LL changes so little that most stay unseen.

    References
    ----------
    Batchvarov VN et al. Europace 2007;9:1081-1090. doi:10.1093/europace/eum198
    Kors JA, van Herpen G. J Electrocardiol 2001;34 Suppl:69-74. doi:10.1054/jelc.2001.28833
    """
    pattern = beat_pattern(indices, leads)
    if pattern is None:
        return ()
    model = load_reversal_model()
    odds = model.log_odds(pattern[None])[0]
    best = int(odds.argmax())
    if odds[best] < model.limit:
        return ()
    first, second = model.names[best].split("/")
    if first.startswith("V"):
        text = f"Leads {first} and {second} look exchanged: check the chest electrodes."
        return (Remark(code="precordial-swap", text=text, leads=(first, second)),)
    text = f"Electrodes {first} and {second} look exchanged: check the limb electrodes."
    return (Remark(code="limb-reversal", text=text, leads=("I", "II", "III", "aVR", "aVL", "aVF")),)


@functools.cache
def load_reversal_model() -> ReversalModel:
    """Load the weights that ship with the package.

    Raises
    ------
    WeightsError
        If the file is missing or damaged.
    """
    path = files("precordia.quality") / "lead_reversal.npz"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as z:
            layers = tuple(
                (z[f"weight_{k}"].astype(float), z[f"bias_{k}"].astype(float))
                for k in range(int(z["n_layers"]))
            )
            return ReversalModel(
                tuple(str(name) for name in z["names"]),
                z["centre"].astype(float),
                z["spread"].astype(float),
                layers,
                float(z["limit"]),
            )
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"the weights '{path.name}' cannot be read ({error}). Reinstall the package."
        ) from error
