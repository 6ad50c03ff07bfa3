# SPDX-License-Identifier: Apache-2.0
"""Minimise many smooth functions of one shape at once, each with its own L-BFGS history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

#: value and gradient of the problems with the given indices, at their points
Objective = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

_MEMORY = 10
_SUFFICIENT = 1e-4
_SHORTEST_STEP = 1e-10
_ROUNDING = 64 * np.finfo(float).eps


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """Where the search ended.

    Attributes
    ----------
    points
        One row per problem.
    values
        What the functions are there.
    converged
        Whether the promise of the next step fell below the tolerance.
    n_iterations
        Steps taken by the slowest problem.
    """

    points: Float[np.ndarray, "problem dim"]
    values: Float[np.ndarray, " problem"]
    converged: Bool[np.ndarray, " problem"]
    n_iterations: int


def minimise_all(
    objective: Objective,
    start: Float[np.ndarray, "problem dim"],
    curvature: Float[np.ndarray, "problem dim"],
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 300,
) -> Minimum:
    """Minimise convex functions side by side, so that one matrix product serves them all.

    Parameters
    ----------
    objective
        Gives values (problem,) and gradients (problem, dim) of the problems with the indices that
        it gets second, at the points that it gets first.
    start
        Where each search begins.
    curvature
        Rough positive second derivative along each axis. The better it is, the fewer steps.
    tolerance
        A search ends when its next step promises to lower the function by less than this part
        of the function.
    max_iterations
        Most steps.

    Returns
    -------
    The points reached. A problem that ran out of steps is marked as not converged.

    Notes
    -----
    Limited-memory BFGS in the two-loop form, with the given curvature (scaled by the last pair, as
    usual) in place of the identity, and steps halved until they lower the function enough (Armijo).
    Pairs without positive curvature are not remembered. Problems that are done leave the
    computation.

    References
    ----------
    Liu DC, Nocedal J. Math Program 1989;45:503-528. doi:10.1007/BF01589116

    Examples
    --------
    >>> target = np.array([[1.0, 2.0], [3.0, -4.0]])
    >>> def square(at, which):
    ...     rest = at - target[which]
    ...     return (rest**2).sum(axis=1), 2 * rest
    >>> minimise_all(square, np.zeros((2, 2)), np.full((2, 2), 2.0)).points
    array([[ 1.,  2.], [ 3., -4.]])
    """
    points = np.array(start, dtype=float)
    n_problems = points.shape[0]
    active = np.arange(n_problems)
    values, gradients = objective(points, active)
    values, gradients = np.array(values, float), np.array(gradients, float)
    history = _History(points.shape)
    converged = np.zeros(n_problems, bool)
    n_iterations = 0
    while active.size:
        direction = -history.solve(gradients[active], curvature[active], active)
        slope = np.einsum("pd,pd->p", direction, gradients[active])
        done = -0.5 * slope <= tolerance * (1e-12 + np.abs(values[active]))
        converged[active[done]] = True
        active, direction, slope = active[~done], direction[~done], slope[~done]
        if not active.size or n_iterations == max_iterations:
            break
        n_iterations += 1
        moved = _step(objective, points, values, gradients, active, direction, slope, history)
        # No step lowers the function any more: that is as far as rounding lets it go.
        small = -slope <= 1e-6 * (1.0 + np.abs(values[active]))
        converged[active[~moved & small]] = True
        active = active[moved]
    return Minimum(points=points, values=values, converged=converged, n_iterations=n_iterations)


class _History:
    """The last pairs of steps and changes of gradient, of every problem."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.steps = np.zeros((_MEMORY, *shape))
        self.changes = np.zeros((_MEMORY, *shape))
        self.inverse = np.zeros((_MEMORY, shape[0]))  # 1 / (step . change); 0 where no pair is
        self.newest = np.full(shape[0], -1)

    def remember(
        self, which: Int[np.ndarray, " some"], steps: np.ndarray, changes: np.ndarray
    ) -> None:
        product = np.einsum("pd,pd->p", steps, changes)
        lengths = np.linalg.norm(steps, axis=1) * np.linalg.norm(changes, axis=1)
        good = product > 1e-12 * lengths
        rows = which[good]
        slot = (self.newest[rows] + 1) % _MEMORY
        self.newest[rows] = slot
        self.steps[slot, rows], self.changes[slot, rows] = steps[good], changes[good]
        self.inverse[slot, rows] = 1.0 / product[good]

    def solve(self, gradients: np.ndarray, curvature: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Multiply gradients by the approximate inverse Hessian (the two loops)."""
        rest = gradients.copy()
        shares = []
        for back in range(_MEMORY):
            slot = (self.newest[which] - back) % _MEMORY
            share = self.inverse[slot, which] * np.einsum("pd,pd->p", self.steps[slot, which], rest)
            rest -= share[:, None] * self.changes[slot, which]
            shares.append((slot, share))
        result = rest / curvature * self._scale(curvature, which)[:, None]
        for slot, share in reversed(shares):
            back = self.inverse[slot, which] * np.einsum(
                "pd,pd->p", self.changes[slot, which], result
            )
            result += (share - back)[:, None] * self.steps[slot, which]
        return result

    def _scale(self, curvature: np.ndarray, which: np.ndarray) -> np.ndarray:
        slot = np.maximum(self.newest[which], 0)
        inverse, change = self.inverse[slot, which], self.changes[slot, which]
        squared = np.einsum("pd,pd->p", change, change / curvature) * inverse
        return np.where(squared > 0, 1.0 / np.where(squared > 0, squared, 1.0), 1.0)


def _step(objective, points, values, gradients, active, direction, slope, history):
    """Take one step of each active problem; tell which ones could."""
    moved = np.zeros(active.size, bool)
    length = np.ones(active.size)
    waiting = np.arange(active.size)
    while waiting.size:
        rows = active[waiting]
        trial = points[rows] + length[waiting, None] * direction[waiting]
        value, gradient = objective(trial, rows)
        wanted = values[rows] + _SUFFICIENT * length[waiting] * slope[waiting]
        good = value <= wanted + _ROUNDING * np.abs(values[rows]) * (length[waiting] == 1.0)
        chosen = rows[good]
        history.remember(chosen, trial[good] - points[chosen], gradient[good] - gradients[chosen])
        points[chosen], values[chosen] = trial[good], value[good]
        gradients[chosen] = gradient[good]
        moved[waiting[good]] = True
        waiting = waiting[~good]
        length[waiting] *= 0.5
        waiting = waiting[length[waiting] > _SHORTEST_STEP]
    return moved
