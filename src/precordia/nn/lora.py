# SPDX-License-Identifier: Apache-2.0
"""Adapt a frozen network with few weights: a low-rank change of each linear or convolving layer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

_KINDS = (nn.Linear, nn.Conv1d)


class LowRankChange(nn.Module):
    """A weight with ``scale * up @ down`` added to it.

    Parameters
    ----------
    weight
        The weight that is changed: rows are outputs, everything else is folded into columns.
    rank
        Of the change.
    alpha
        The scale is ``alpha / rank``.
    deactivation
        Chance of the change to be left out of a forward pass while training; in use it is scaled by
        one minus this.
    generator
        Random numbers of the start.
    """

    def __init__(
        self,
        weight: Tensor,
        *,
        rank: int,
        alpha: float,
        deactivation: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        rows, columns = weight.shape[0], weight[0].numel()
        self.down = nn.Parameter(0.02 * torch.randn(rank, columns, generator=generator))
        self.up = nn.Parameter(torch.zeros(rows, rank))
        self.rank, self.scale, self.deactivation = rank, alpha / rank, deactivation

    def change(self) -> Float[Tensor, "out in"]:
        """Return what is added to the weight when nothing is left to chance, folded."""
        return (1 - self.deactivation) * self.scale * (self.up @ self.down)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the changed weight."""
        if not self.training:
            return weight + self.change().view_as(weight)
        if self.deactivation and float(torch.rand(())) < self.deactivation:
            return weight
        return weight + (self.scale * (self.up @ self.down)).view_as(weight)


def add_lora(
    model: nn.Module,
    *,
    rank: int | Mapping[str, int] = 8,
    alpha: float | None = None,
    only: Callable[[str], bool] | None = None,
    also_train: Callable[[str], bool] | None = None,
    deactivation: float = 0.0,
    seed: int = 0,
) -> tuple[str, ...]:
    """Freeze a network and give its layers low-rank changes to train.

    Parameters
    ----------
    model
        Any network; its `torch.nn.Linear` and `torch.nn.Conv1d` layers can be changed.
    rank
        Of all changes, or by name of layer (see `allocate_ranks`).
    alpha
        Scale times rank; the rank itself by default, for a scale of 1.
    only
        Tells by name which layers are changed; all by default.
    also_train
        Tells by name which other parameters are trained as they are, such as biases and the head.
        A layer whose own weight is among them is not changed by rank.
    deactivation
        Chance of each change to be left out of a forward pass while training.
    seed
        Of the start.

    Returns
    -------
    Names of the layers that were changed.

    Raises
    ------
    ValueError
        If nothing could be changed, a setting is impossible, or changes are there already.

    Notes
    -----
    *Method*: weights become ``W + alpha / rank * B A`` with B zero at first (Hu et al.), so that
    nothing changes until something is learnt; kernels of convolutions are folded into matrices.
    A starts from a normal distribution of standard deviation 0.02. With ``deactivation`` each layer
    drops its change at random while training and scales it in use, as CE-SSL does; the random
    number is PyTorch's own, as that of dropout.

    References
    ----------
    Hu EJ et al. LoRA: low-rank adaptation of large language models. arXiv:2106.09685
    Zhou R et al. Computation-efficient semi-supervised learning for ECG-based cardiovascular
    diseases detection (CE-SSL). arXiv:2406.14377

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(2, 4, 3), nn.Flatten(), nn.Linear(4 * 6, 3))
    >>> add_lora(model, rank=2, also_train=lambda name: name.startswith("2."))
    ('0',)
    >>> [name for name, p in model.named_parameters() if p.requires_grad]
    ['0.parametrizations.weight.0.down', '0.parametrizations.weight.0.up', '2.weight', '2.bias']
    """
    if not 0 <= deactivation < 1:
        raise ValueError(f"deactivation is {deactivation}; at least 0 and below 1 is needed.")
    if any(True for _ in lora_layers(model)):
        raise ValueError("the model has low-rank changes already; merge_lora(model) them first.")
    trained = also_train or (lambda name: False)
    wanted = [
        (name, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, _KINDS)
        and (only is None or only(name))
        and not trained(_dotted(name, "weight"))
        and (not isinstance(rank, Mapping) or name in rank)
    ]
    if not wanted:
        raise ValueError(
            "no layer is to be changed; the model needs Linear or Conv1d layers that 'only' and "
            "'rank' name and 'also_train' does not."
        )
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(trained(name))
    generator = torch.Generator().manual_seed(seed)
    for name, layer in wanted:
        own = rank[name] if isinstance(rank, Mapping) else rank
        if own < 1:
            raise ValueError(f"the rank of '{name}' is {own}; at least 1 is needed.")
        change = LowRankChange(
            layer.weight,
            rank=own,
            alpha=own if alpha is None else alpha,
            deactivation=deactivation,
            generator=generator,
        ).to(layer.weight)
        parametrize.register_parametrization(layer, "weight", change.train(model.training))
        layer.parametrizations.weight.original.requires_grad_(False)
    return tuple(name for name, _ in wanted)


def lora_layers(model: nn.Module) -> Iterator[tuple[str, nn.Module, LowRankChange]]:
    """Give name, layer and change of each layer that has one.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(3, 2))
    >>> _ = add_lora(model, rank=1)
    >>> [name for name, _, _ in lora_layers(model)]
    ['0']
    """
    for name, layer in model.named_modules():
        if parametrize.is_parametrized(layer, "weight"):
            for change in layer.parametrizations.weight:
                if isinstance(change, LowRankChange):
                    yield name, layer, change


def merge_lora(model: nn.Module) -> dict[str, Tensor]:
    """Write changes into the weights, after which the model is an ordinary one.

    Returns
    -------
    The weights before, by name of layer, for `unmerge_lora`; keep the changes with `lora_state`
    first if they are to come back.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(3, 2))
    >>> _ = add_lora(model, rank=1)
    >>> list(merge_lora(model)), list(dict(model.named_parameters()))
    (['0'], ['0.weight', '0.bias'])
    """
    before = {}
    for name, layer, change in list(lora_layers(model)):
        original = layer.parametrizations.weight.original.detach().clone()
        before[name] = original
        with torch.no_grad():
            merged = original + change.change().view_as(original)
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
        with torch.no_grad():
            layer.weight.copy_(merged)
        if "bias" in layer._parameters:  # the weight comes first, as in any other layer
            layer._parameters["bias"] = layer._parameters.pop("bias")
    return before


def unmerge_lora(model: nn.Module, before: Mapping[str, Tensor]) -> None:
    """Put the weights back that `merge_lora` returned, to the bit.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(3, 2))
    >>> _ = add_lora(model, rank=1)
    >>> unmerge_lora(model, merge_lora(model))
    """
    layers = dict(model.named_modules())
    with torch.no_grad():
        for name, weight in before.items():
            layers[name].weight.copy_(weight)


def lora_state(model: nn.Module) -> dict[str, Tensor]:
    """Return what is trained, and nothing else, for a small file.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(3, 2))
    >>> _ = add_lora(model, rank=1)
    >>> sum(tensor.numel() for tensor in lora_state(model).values())
    5
    """
    return {
        name: parameter.detach().clone()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def load_lora_state(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put trained changes back into a model that was given changes of the same ranks.

    Raises
    ------
    ValueError
        If names or shapes disagree.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(3, 2))
    >>> _ = add_lora(model, rank=1)
    >>> load_lora_state(model, lora_state(model))
    """
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if odd := sorted(trained.keys() ^ state.keys()):
        raise ValueError(
            f"the changes do not fit this model: '{odd[0]}' is in one of the two only. Add changes "
            "to the same layers first."
        )
    for name, parameter in trained.items():
        if parameter.shape != state[name].shape:
            raise ValueError(
                f"'{name}' has shape {tuple(state[name].shape)} in the changes and "
                f"{tuple(parameter.shape)} in this model; add changes of the same rank first."
            )
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(state[name])


def n_trained(model: nn.Module) -> int:
    """Return the number of weights that are trained.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(30, 20))
    >>> _ = add_lora(model, rank=2)
    >>> n_trained(model)
    100
    """
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@contextlib.contextmanager
def without_lora(model: nn.Module) -> Iterator[nn.Module]:
    """Use the model as it was before, within a block.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(3, 2))
    >>> _ = add_lora(model, rank=1)
    >>> with without_lora(model):
    ...     output = model(torch.zeros(1, 3))
    """
    scales = [(change, change.scale) for _, _, change in lora_layers(model)]
    try:
        for change, _ in scales:
            change.scale = 0.0
        yield model
    finally:
        for change, scale in scales:
            change.scale = scale


def _dotted(*parts: str) -> str:
    return ".".join(part for part in parts if part)
