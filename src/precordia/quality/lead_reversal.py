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

_NEEDED = ("I", "II", *PRECORDIAL)
_MIN_BEATS = 3
_MIN_CORRELATION = 0.8
#: times around the R-peak, s; the QRS keeps every one of them, the rest is averaged in pairs
TIMES_S = np.arange(-30, 50) * 0.01
_PARTS_S = ((-0.24, -0.06), (-0.05, 0.06), (0.10, 0.44), (-0.26, 0.46))
_ROUND = 1e-6


def _pooling() -> np.ndarray:
    columns, at = [], 4
    while at < len(TIMES_S) - 3:
        width = 1 if -0.065 < TIMES_S[at] < 0.085 else 2
        column = np.zeros(len(TIMES_S))
        column[at : at + width] = 1.0 / width
        columns.append(column)
        at += width
    return np.array(columns).T


_POOL = _pooling()


@dataclass(frozen=True, slots=True)
class BeatPattern:
    """The median beat of I, II, III and V1-V6, free of the gain.

    Attributes
    ----------
    shape
        Each lead over time, (9, time), squeezed so that P counts beside QRS.
    size
        Log size of all limb leads together and of V1-V6, around the mean of V1-V6.
    likeness
        Cosine between each two leads during P, QRS, T and all of it, (part, 9, 9).
    """

    shape: np.ndarray
    size: np.ndarray
    likeness: np.ndarray


def beat_pattern(indices: LeadIndices, leads: tuple[str, ...]) -> BeatPattern | None:
    """Describe the median beat so that every exchange of electrodes only reorders the numbers.

    Parameters
    ----------
    indices
        Indices of one window, with its beats.
    leads
        Names of the rows.

    Returns
    -------
    The pattern; None where the leads I, II, V1-V6 are not all there, one of them is too noisy for
    a median beat, or fewer than three beats are whole.
    """
    beat = median_beat(indices, leads)
    return None if beat is None else pattern_of(beat)


def median_beat(
    indices: LeadIndices, leads: tuple[str, ...]
) -> Float[np.ndarray, "lead sample"] | None:
    """Median beat of I, II, V1-V6 at `TIMES_S`, mV; None where it cannot be had."""
    place = {name: row for row, name in enumerate(leads)}
    if not all(name in place for name in _NEEDED):
        return None
    rows = [place[name] for name in _NEEDED]
    if indices.lead["template_correlation"][rows].min() < _MIN_CORRELATION:
        return None
    wave, fs, at = indices.wave_mv[rows], indices.fs, indices.beats
    at = at[(at + TIMES_S[0] > 0.01) & (at + TIMES_S[-1] < wave.shape[1] / fs - 0.02)]
    if len(at) < _MIN_BEATS:
        return None
    position = (at[:, None] + TIMES_S) * fs
    left = np.floor(position).astype(int)
    share = (position - left).astype(np.float32)
    beats = wave[:, left] * (1 - share) + wave[:, np.minimum(left + 1, wave.shape[1] - 1)] * share
    beat = np.median(beats - beats.mean(axis=2, keepdims=True), axis=1)
    return beat if np.sqrt((beat**2).mean(axis=1)).min() > 1e-3 else None


def pattern_of(beat: Float[np.ndarray, "8 80"]) -> BeatPattern:
    """Describe a median beat of I, II, V1-V6, mV."""
    x = np.concatenate([beat[:2], beat[1:2] - beat[:1], beat[2:]]).astype(float)
    x = x - x.mean(axis=1, keepdims=True)
    size = np.sqrt((x**2).mean(axis=1))
    # the root mean square of I, II and III stays the same whatever limb electrodes are exchanged
    size = np.concatenate([np.full(3, np.sqrt((size[:3] ** 2).mean())), size[3:]])
    x = x / np.maximum(size, 1e-5)[:, None]
    log_size = np.log(np.maximum(size[2:], 1e-5))
    likeness = []
    for start, stop in _PARTS_S:
        part = x[:, (start - _ROUND <= TIMES_S) & (stop + _ROUND >= TIMES_S)]
        if start < -0.1:
            part = part - part.mean(axis=1, keepdims=True)
        part = part / (np.sqrt((part**2).sum(axis=1, keepdims=True)) + 0.02 * part.shape[1] ** 0.5)
        likeness.append(part @ part.T)
    return BeatPattern(
        np.arcsinh(2 * (x @ _POOL)),
        np.clip(log_size - log_size[1:].mean(), -2.0, 2.0),
        np.array(likeness),
    )


def arrangement(name: str | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which electrode sits in the place of RA, LA, LL and of C1-C6 after an exchange.

    Examples
    --------
    >>> arrangement("LA/LL")
    ((0, 2, 1), (0, 1, 2, 3, 4, 5))
    """
    limb, chest = [0, 1, 2], [0, 1, 2, 3, 4, 5]
    if name is not None:
        first, second = name.split("/")
        places, order = (("RA", "LA", "LL"), limb) if name[0] != "V" else (PRECORDIAL, chest)
        a, b = places.index(first), places.index(second)
        order[a], order[b] = order[b], order[a]
    return tuple(limb), tuple(chest)


_LIMB_LEADS = {(0, 1): (0, 1), (0, 2): (1, 1), (1, 2): (2, 1)}
_LIMB_LEADS |= {(b, a): (row, -sign) for (a, b), (row, sign) in list(_LIMB_LEADS.items())}


def as_rows(
    limb: tuple[int, ...], chest: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows of a pattern, and their signs, that become I, II, V1-V6 under an arrangement.

    Examples
    --------
    >>> as_rows(*arrangement("RA/LA"))
    ((0, 2, 3, 4, 5, 6, 7, 8), (-1, 1, 1, 1, 1, 1, 1, 1))
    """
    one, two = _LIMB_LEADS[limb[0], limb[1]], _LIMB_LEADS[limb[0], limb[2]]
    return (one[0], two[0], *(3 + k for k in chest)), (one[1], two[1], 1, 1, 1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class ReversalModel:
    """How much a median beat looks like one of electrodes in their places.

    Attributes
    ----------
    names
        The exchanges.
    shape, size, likeness, bias
        First layer: (8, time, unit), (7, unit), (112, unit), (unit,).
    layers
        Weights and biases of the other layers.
    limit
        Smallest log odds that become a remark.
    rows, signs
        Rows of a pattern, and signs, that undo each exchange; the first of all: none.
    """

    names: tuple[str, ...]
    shape: np.ndarray
    size: np.ndarray
    likeness: np.ndarray
    bias: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    limit: float
    rows: np.ndarray
    signs: np.ndarray

    def log_odds(self, pattern: BeatPattern) -> np.ndarray:
        """Log odds of each exchange against the leads being right, (exchange,)."""
        rows, signs = self.rows, self.signs
        places = np.arange(8)
        each = pattern.shape @ self.shape
        h = self.bias + (each[places, rows] * signs[:, :, None]).sum(axis=1)
        size = np.concatenate(
            [np.full((len(rows), 1), pattern.size[0]), pattern.size[rows[:, 2:] - 2]], axis=1
        )
        a, b = np.triu_indices(8, 1)
        pairs = pattern.likeness[:, rows[:, a], rows[:, b]] * (signs[:, a] * signs[:, b])
        h = h + size @ self.size
        h = h + pairs.transpose(1, 0, 2).reshape(len(rows), -1) @ self.likeness
        for weight, bias in self.layers:
            h = np.maximum(h, 0.0) @ weight + bias
        return h[1:, 0] - h[0, 0]


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
    A small network tells how usual a median beat looks: its shape in each lead, the sizes of the
    leads and their likeness during P, QRS and T. It looks at the beat as it is and as it would
    be with each exchange undone (the algebra is exact, see Batchvarov 2007); where one of these
    looks far more usual, that exchange is suspected. Kors and van Herpen (2001) compare leads with
    their reconstruction from others under each exchange in the same way; here all that is usual was
    learned, from real recordings. Neighbours on the chest and LA with LL differ so little that
    many stay unseen; shares and false alarms are in ``lead_reversal.toml``. Exchanges with the
    right leg, and of more than two electrodes, are not looked for. Mirrored hearts look like RA/LA.

    References
    ----------
    Batchvarov VN et al. Europace 2007;9:1081-1090. doi:10.1093/europace/eum198
    Kors JA, van Herpen G. J Electrocardiol 2001;34 Suppl:69-74. doi:10.1054/jelc.2001.28833
    """
    pattern = beat_pattern(indices, leads)
    if pattern is None:
        return ()
    model = load_reversal_model()
    odds = model.log_odds(pattern)
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
            names = tuple(str(name) for name in z["names"])
            order = [as_rows(*arrangement(name)) for name in (None, *names)]
            return ReversalModel(
                names,
                *(z[key].astype(float) for key in ("shape", "size", "likeness", "bias")),
                tuple(
                    (z[f"weight_{k}"].astype(float), z[f"bias_{k}"].astype(float))
                    for k in range(int(z["n_layers"]))
                ),
                float(z["limit"]),
                np.array([rows for rows, _ in order]),
                np.array([signs for _, signs in order]),
            )
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"the weights '{path.name}' cannot be read ({error}). Reinstall the package."
        ) from error
