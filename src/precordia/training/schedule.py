# SPDX-License-Identifier: Apache-2.0
"""The learning rate as a pure function of the step, other numbers of the share that is done."""

from __future__ import annotations

import math

from precordia.core.errors import OptionError

#: the one-cycle schedule starts at this share of its highest rate
FIRST = 1 / 25


def lr_factor(
    step: int, n_steps: int, *, schedule: str, warmup: float = 0.1, last: float = 0.001
) -> float:
    """Return the share of the highest learning rate at a step.

    Parameters
    ----------
    step
        From 0.
    n_steps
        Steps of the whole training.
    schedule
        ``"one-cycle"``, ``"cosine"`` or ``"constant"``.
    warmup
        Share of the steps in which the rate rises.
    last
        Share of the highest rate at the last step.

    Notes
    -----
    One-cycle after Smith and Topin, arXiv 1708.07120: the rate rises and falls by half a cosine.
    Momentum stays as it is, where theirs goes the other way. Cosine after Loshchilov and Hutter,
    arXiv 1608.03983, one cycle, with a linear start.

    Examples
    --------
    >>> [round(lr_factor(k, 11, schedule="cosine", warmup=0.2, last=0), 2) for k in (0, 1, 2, 10)]
    [0.25, 0.5, 0.75, 0.0]
    >>> lr_factor(7, 11, schedule="constant", warmup=0)
    1.0
    """
    rising = min(math.ceil(warmup * n_steps), n_steps - 1)
    if step < rising:
        if schedule == "one-cycle":
            return FIRST + (1 - FIRST) * (1 - math.cos(math.pi * step / rising)) / 2
        return (step + 1) / (rising + 1)
    if schedule == "constant":
        return 1.0
    done = (step - rising) / max(n_steps - 1 - rising, 1)
    return last + (1 - last) * (1 + math.cos(math.pi * min(done, 1.0))) / 2


def ramp(progress: float, *, first: float, last: float, shape: str = "linear") -> float:
    """Return a number that goes from one value to another in the course of a training.

    Decay of a teacher, weight decay, temperatures: whatever changes with the share that is done.

    Parameters
    ----------
    progress
        Share of the training that is done; what lies outside 0 to 1 counts as the nearer end.
    first, last
        Values at the start and at the end.
    shape
        ``"linear"``, or ``"cosine"`` for half a cosine, which is flat at both ends.

    Notes
    -----
    Decay by half a cosine is that of BYOL, arXiv 2006.07733, section 3.2.

    Examples
    --------
    >>> [round(ramp(p, first=0.99, last=1.0), 4) for p in (0, 0.5, 1)]
    [0.99, 0.995, 1.0]
    >>> round(ramp(0.25, first=0, last=1, shape="cosine"), 4)
    0.1464
    """
    if shape not in ("linear", "cosine"):
        raise OptionError(f"shape is {shape!r}; one of linear, cosine is needed.")
    done = min(max(progress, 0.0), 1.0)
    if shape == "cosine":
        done = (1 - math.cos(math.pi * done)) / 2
    return first + (last - first) * done
