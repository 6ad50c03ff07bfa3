# SPDX-License-Identifier: Apache-2.0
"""Learning to learn: weights from which a few steps on a few examples lead far (MAML)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.core.errors import OptionError

Parameters = dict[str, Tensor]
#: what the weights cost, on some examples
Loss = Callable[[Parameters], Float[Tensor, ""]]
#: the cost on examples with answers, and on those that are asked then
Task = tuple[Loss, Loss]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaSettings:
    """How weights are learned to learn from.

    Attributes
    ----------
    steps
        Steps of the outer loop.
    tasks
        Tasks of each of them.
    inner_steps, inner_lr
        Steps of gradient descent within a task, and how far each goes.
    outer_lr, weight_decay
        Of AdamW, which moves the weights that all tasks begin with.
    clip
        Largest norm of the outer gradient.
    first_order
        Take the gradient where the inner steps ended, as if they did not depend on where they
        began: faster, and no gradient of a gradient.

    Raises
    ------
    OptionError
        If a number makes no sense.
    """

    steps: int = 100
    tasks: int = 2
    inner_steps: int = 5
    inner_lr: float = 0.05
    outer_lr: float = 5e-4
    weight_decay: float = 0.01
    clip: float = 1.0
    first_order: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "tasks", "inner_steps", "inner_lr", "outer_lr", "clip"):
            if not getattr(self, name) > 0:
                raise OptionError(f"{name} is {getattr(self, name)}; more than 0 is needed.")


def adapt(
    loss: Loss,
    parameters: Parameters,
    *,
    steps: int,
    lr: float,
    first_order: bool = False,
) -> Parameters:
    """Descend a loss by a few plain steps, in a way that gradients can pass through.

    Parameters
    ----------
    loss
        Takes parameters, gives what they cost.
    parameters
        Where it begins; not changed.
    steps, lr
        Number of steps, and how far each goes along the gradient.
    first_order
        Do not keep how the steps depend on where they began.

    Returns
    -------
    Where it ends. Its gradient with respect to ``parameters`` is exact, or with ``first_order``
    the identity.

    References
    ----------
    Finn C, Abbeel P, Levine S. Model-agnostic meta-learning for fast adaptation of deep networks.
    ICML 2017. arXiv:1703.03400 (first order: section 5.2)

    Examples
    --------
    >>> start = {"x": torch.tensor(4.0, requires_grad=True)}
    >>> adapt(lambda p: p["x"] ** 2, start, steps=1, lr=0.25)["x"].item()
    2.0
    """
    current = dict(parameters)
    for _ in range(steps):
        with torch.enable_grad():
            gradients = torch.autograd.grad(
                loss(current),
                tuple(current.values()),
                create_graph=not first_order,
                materialize_grads=True,
            )
        moved = zip(current.items(), gradients, strict=True)
        current = {name: value - lr * gradient for (name, value), gradient in moved}
    return current


def meta_gradient(
    tasks: Iterable[Task], parameters: Parameters, settings: MetaSettings
) -> tuple[float, Parameters]:
    """Return what tasks cost after adaptation, and the gradient of that at its beginning.

    Parameters
    ----------
    tasks
        Costs on the examples with answers and on those asked then.
    parameters
        Where every task begins; they must require gradients.
    settings
        Inner steps, and whether they are looked through.

    Returns
    -------
    Mean cost, and its gradient for each parameter.

    Raises
    ------
    OptionError
        If there is no task.
    """
    tasks = list(tasks)
    if not tasks:
        raise OptionError("no task arrived; at least one is needed.")
    total = 0.0
    summed = {name: torch.zeros_like(value) for name, value in parameters.items()}
    for learned_from, asked in tasks:
        adapted = adapt(
            learned_from,
            parameters,
            steps=settings.inner_steps,
            lr=settings.inner_lr,
            first_order=settings.first_order,
        )
        cost = asked(adapted)
        gradients = torch.autograd.grad(cost, tuple(parameters.values()), materialize_grads=True)
        total += cost.item() / len(tasks)
        for name, gradient in zip(parameters, gradients, strict=True):
            summed[name] += gradient / len(tasks)
    return total, summed


def meta_train(
    module: nn.Module,
    tasks_of: Callable[[int], Iterable[Task]],
    settings: MetaSettings,
    *,
    watch: Callable[[Iterable[int]], Iterable[int]] = lambda steps: steps,
) -> list[float]:
    """Move the weights of a module to where tasks are learned from fast.

    Parameters
    ----------
    module
        Whose weights; changed in place.
    tasks_of
        The tasks of a step of the outer loop.
    settings
        How.
    watch
        Shows progress.

    Returns
    -------
    The mean cost after adaptation, step by step.

    References
    ----------
    Finn C, et al. ICML 2017. arXiv:1703.03400. Departure: the outer loop is AdamW with a clipped
    gradient, as in Tang J, et al. CHIL 2025, arXiv:2410.14464.
    """
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=settings.outer_lr, weight_decay=settings.weight_decay
    )
    costs = []
    module.train()
    for step in watch(range(settings.steps)):
        parameters: Parameters = dict(module.named_parameters())
        cost, gradients = meta_gradient(tasks_of(step), parameters, settings)
        for name, parameter in parameters.items():
            parameter.grad = gradients[name]
        nn.utils.clip_grad_norm_(module.parameters(), settings.clip)
        optimiser.step()
        costs.append(cost)
    module.eval()
    return costs
