# SPDX-License-Identifier: Apache-2.0
"""When atria and ventricles are activated: the timeline of a rhythm."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

_REFRACTORY_S = 0.30  # a ventricle does not answer an atrium sooner after its last activation


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a rhythm is asked for.

    Attributes
    ----------
    seconds
        Length of the record; the timeline reaches beyond both ends.
    rr_s
        Mean ventricular interval, s.
    rr_sd_s
        Standard deviation of the sinus interval, s.
    pr_s
        Onset of P to onset of QRS, s.
    respiration_hz
        Breathing rate, which is also the centre of the fast part of sinus variability.
    lf_hf
        Power of the slow (0.1 Hz) over that of the fast part.
    options
        Numbers of the rhythm itself, such as ``{"every": 4}``.
    """

    seconds: float
    rr_s: float
    rr_sd_s: float
    pr_s: float
    respiration_hz: float = 0.25
    lf_hf: float = 0.5
    options: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Timeline:
    """Atrial and ventricular activations in time order.

    ``p`` holds (onset s, shape) pairs; ``qrs`` holds (onset s, shape, index into ``p`` or -1).
    Shape 0 is the scenario's own wave, 1 and 2 its ectopic ones.
    """

    p: list[tuple[float, int]] = field(default_factory=list)
    qrs: list[tuple[float, int, int]] = field(default_factory=list)

    def conduct(self, onset_s: float, pr_s: float, *, p_shape: int = 0, shape: int = 0) -> None:
        """Add a P wave and the QRS complex that it leads to."""
        self.p.append((onset_s, p_shape))
        self.qrs.append((onset_s + pr_s, shape, len(self.p) - 1))

    def block(self, onset_s: float, *, p_shape: int = 0) -> None:
        """Add a P wave that leads to nothing."""
        self.p.append((onset_s, p_shape))

    def escape(self, onset_s: float, *, shape: int = 0) -> None:
        """Add a QRS complex that no P wave led to."""
        self.qrs.append((onset_s, shape, -1))


Rhythm = Callable[[np.random.Generator, Pace], Timeline]


def sinus_onsets(
    rng: np.random.Generator, pace: Pace, interval_s: float | None = None
) -> Float[np.ndarray, " beat"]:
    """Draw onsets of the sinus node from two seconds before the record to two after it.

    Parameters
    ----------
    rng
        Source of chance.
    pace
        Mean interval, variability and respiration.
    interval_s
        Mean interval where it is not that of the ventricles.

    Returns
    -------
    Onsets, s.

    Notes
    -----
    *Method.* McSharry et al., section II-B: the interval varies with a bimodal spectrum, a slow
    part around 0.1 Hz and a respiratory one, each 0.01 Hz wide. *Departure*: each part is a sum of
    eight sines with normally distributed frequencies and random phases, in place of an inverse
    Fourier transform, so that short records need no long series.

    References
    ----------
    McSharry PE et al. IEEE Trans Biomed Eng 2003;50:289-294. doi:10.1109/TBME.2003.808805

    Examples
    --------
    >>> pace = Pace(seconds=10, rr_s=1.0, rr_sd_s=0.0, pr_s=0.16)
    >>> np.diff(sinus_onsets(np.random.default_rng(0), pace)).round(9).min()
    np.float64(1.0)
    """
    mean = pace.rr_s if interval_s is None else interval_s
    before = 2.0 + mean
    count = int(np.ceil((pace.seconds + 2 * before) / (0.6 * mean))) + 1
    first = -before + rng.uniform(0, mean)
    if pace.rr_sd_s <= 0:
        onsets = first + mean * np.arange(count)
        return onsets[onsets < pace.seconds + 2]
    nominal = first + mean * np.arange(count)
    slow = pace.lf_hf / (1 + pace.lf_hf)
    frequencies = np.concatenate(
        [rng.normal(0.1, 0.01, 8), rng.normal(pace.respiration_hz, 0.01, 8)]
    )
    size = np.sqrt(np.repeat([slow, 1 - slow], 8) / 4)
    phases = rng.uniform(0, 2 * np.pi, 16)
    swing = np.sin(2 * np.pi * nominal[:, None] * frequencies + phases) @ size
    intervals = np.maximum(mean + pace.rr_sd_s * swing, 0.6 * mean)
    onsets = first + np.concatenate([[0.0], np.cumsum(intervals[:-1])])
    return onsets[onsets < pace.seconds + 2]


def _sinus(rng: np.random.Generator, pace: Pace) -> Timeline:
    line = Timeline()
    for onset in sinus_onsets(rng, pace):
        line.conduct(onset, pace.pr_s)
    return line


def _atrial_premature(rng: np.random.Generator, pace: Pace) -> Timeline:
    """Premature P of another shape; the sinus node is reset, so the pause is incomplete."""
    line, every = Timeline(), max(int(pace.options.get("every", 4)), 2)
    intervals = np.tile(np.diff(sinus_onsets(rng, pace)), 2)
    onset, since = -2.0 - rng.uniform(0, pace.rr_s), int(rng.integers(every - 1))
    for interval in intervals:
        if onset > pace.seconds + 2:
            break
        line.conduct(onset, pace.pr_s)
        since += 1
        if since == every - 1:
            onset += pace.options.get("prematurity", 0.64) * interval
            line.conduct(onset, pace.pr_s + 0.02, p_shape=1)
            onset += 1.12 * interval
            since = 0
        else:
            onset += interval
    return line


def _ventricular_premature(rng: np.random.Generator, pace: Pace) -> Timeline:
    """Premature ventricular beats; the sinus node goes on, so the pause is compensatory."""
    line, options = Timeline(), pace.options
    every, run = int(options.get("every", 4)), int(options.get("run", 1))
    coupling = options.get("coupling", 0.62) * pace.rr_s
    spacing = options.get("spacing_s", 0.42)
    onsets, since, busy_until = sinus_onsets(rng, pace), int(rng.integers(every)), -np.inf
    starts_at = options.get("first_s")  # once, at this time, in place of every n-th beat
    once = starts_at is not None
    for onset in onsets:
        answered = onset + pace.pr_s
        if answered < busy_until:
            line.block(onset)
            continue
        line.conduct(onset, pace.pr_s)
        since += 1
        due = not once and since >= every - 1
        if starts_at is not None and answered >= starts_at:
            due, starts_at = True, None
        if due:
            since = 0
            for k in range(run):
                line.escape(answered + coupling + k * spacing, shape=1)
            busy_until = answered + coupling + (run - 1) * spacing + _REFRACTORY_S + 0.1
    line.qrs.sort()
    return line


def _ventricular_tachycardia(rng: np.random.Generator, pace: Pace) -> Timeline:
    """Ventricles beat by themselves; the atria go on at their own, slower rate."""
    line = Timeline()
    for onset in sinus_onsets(rng, pace, pace.options.get("atrial_s", 0.78)):
        line.block(onset)
    for onset in np.arange(-2 + rng.uniform(0, pace.rr_s), pace.seconds + 2, pace.rr_s):
        line.escape(onset + rng.normal(0, 0.003), shape=0)
    return line


def _complete_block(rng: np.random.Generator, pace: Pace) -> Timeline:
    line = Timeline()
    for onset in sinus_onsets(rng, pace, pace.options.get("atrial_s", 0.76)):
        line.block(onset)
    for onset in np.arange(-2 + rng.uniform(0, pace.rr_s), pace.seconds + 2, pace.rr_s):
        line.escape(onset)
    return line


def _wenckebach(rng: np.random.Generator, pace: Pace) -> Timeline:
    """PR grows by ever smaller steps until one P is not conducted."""
    line, cycle = Timeline(), int(pace.options.get("cycle", 4))
    steps = pace.options.get("step_s", 0.09) / np.arange(1, cycle)
    growth = np.concatenate([[0.0], np.cumsum(steps)])
    offset = int(rng.integers(cycle))
    for count, onset in enumerate(sinus_onsets(rng, pace, pace.rr_s * (cycle - 1) / cycle)):
        place = (count + offset) % cycle
        if place == cycle - 1:
            line.block(onset)
        else:
            line.conduct(onset, pace.pr_s + growth[place])
    return line


def _constant_block(rng: np.random.Generator, pace: Pace) -> Timeline:
    """Every n-th P is not conducted, without any change of PR before it."""
    line, cycle = Timeline(), int(pace.options.get("cycle", 3))
    offset = int(rng.integers(cycle))
    for count, onset in enumerate(sinus_onsets(rng, pace, pace.rr_s * (cycle - 1) / cycle)):
        if (count + offset) % cycle == cycle - 1:
            line.block(onset)
        else:
            line.conduct(onset, pace.pr_s)
    return line


def _fibrillation(rng: np.random.Generator, pace: Pace) -> Timeline:
    """Gamma-distributed intervals above a refractory period, one independent of the other."""
    line = Timeline()
    floor = min(0.55 * pace.rr_s, 0.36)
    spread = pace.options.get("cv", 0.22) * pace.rr_s
    shape = ((pace.rr_s - floor) / spread) ** 2
    count = int((pace.seconds + 6) / pace.rr_s * 1.6) + 8
    intervals = floor + rng.gamma(shape, spread**2 / (pace.rr_s - floor), count)
    for onset in -2 - pace.rr_s + np.cumsum(intervals):
        if onset < pace.seconds + 2:
            line.escape(onset)
    return line


def _flutter(rng: np.random.Generator, pace: Pace) -> Timeline:
    """Ventricles answer every k-th flutter wave at a fixed phase of it."""
    line, cycle = Timeline(), flutter_cycle_s(pace)
    ratios = [int(pace.options.get("ratio", round(pace.rr_s / cycle)))]
    if pace.options.get("variable", 0):
        ratios = [2, 3, 4]
    onset = -2 + pace.options.get("phase", 0.55) * cycle
    while onset < pace.seconds + 2:
        line.escape(onset)
        onset += cycle * ratios[int(rng.integers(len(ratios)))]
    return line


def flutter_cycle_s(pace: Pace) -> float:
    """Return the length of a flutter wave so that the mean ventricular interval comes out, s.

    Examples
    --------
    >>> flutter_cycle_s(Pace(seconds=10, rr_s=0.4, rr_sd_s=0, pr_s=0, options={"ratio": 2}))
    0.2
    """
    ratio = 3 if pace.options.get("variable", 0) else pace.options.get("ratio", 2)
    return pace.rr_s / ratio


def _without_atria(rng: np.random.Generator, pace: Pace) -> Timeline:
    """Regular ventricular activations, nothing seen of the atria."""
    line = Timeline()
    for onset in sinus_onsets(rng, pace):
        line.escape(onset)
    return line


#: rhythm name to the function that draws its timeline
RHYTHMS: dict[str, Rhythm] = {
    "sinus": _sinus,
    "atrial-premature": _atrial_premature,
    "ventricular-premature": _ventricular_premature,
    "ventricular-tachycardia": _ventricular_tachycardia,
    "complete-block": _complete_block,
    "wenckebach": _wenckebach,
    "constant-block": _constant_block,
    "fibrillation": _fibrillation,
    "flutter": _flutter,
    "without-atria": _without_atria,
}
