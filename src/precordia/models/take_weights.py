# SPDX-License-Identifier: Apache-2.0
"""Weights by the keys of their authors go into a model; every key is accounted for."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from precordia.core.errors import WeightsError
from precordia.models.encoder import Encoder
from precordia.models.generator import Generator
from precordia.models.state_match import refuse_differences


def take_weights(model: Encoder | Generator, state: Mapping[str, Tensor], *, source: str) -> None:
    """Load weights into a model that was made for them.

    Parameters
    ----------
    model
        The model.
    state
        Weights by the authors' keys, or by the model's own.
    source
        Word for sentences: the file.

    Raises
    ------
    WeightsError
        Naming keys that are missing, unknown or misshapen, or that hold numbers that are not
        finite.
    """
    renamed = rename(model, state)
    needed = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    # Counts of batches were not always stored, and nothing but training asks for them.
    for key in needed:
        if key.endswith("num_batches_tracked"):
            renamed.setdefault(key, torch.zeros((), dtype=torch.int64))
    shapes = {key: tuple(value.shape) for key, value in renamed.items()}
    refuse_differences(shapes, needed, source=source, model=model.name)
    _refuse_unusable(renamed, source)
    model.load_state_dict(renamed, strict=True)


def rename(model: Encoder | Generator, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights under the model's own keys, without those that it knowingly leaves out.

    Examples
    --------
    >>> from precordia.models.load_model import load_model
    >>> model = load_model("resnet1d", n_outputs=0, width=4)
    >>> list(rename(model, {"module.stem.0.weight": torch.zeros(1)}))
    ['stem.0.weight']
    """
    plain = {re.sub(r"^((module|_orig_mod)\.)+", "", key): value for key, value in state.items()}
    own = set(model.state_dict())
    if own <= set(plain) or not hasattr(model, "rename_weights"):
        return plain
    idle = [re.compile(pattern) for pattern in model.left_out_weights]
    used = {k: v for k, v in plain.items() if not any(p.fullmatch(k) for p in idle)}
    return model.rename_weights(used)  # type: ignore[operator]


def _refuse_unusable(state: Mapping[str, Tensor], source: str) -> None:
    for key, value in state.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise WeightsError(
                f"'{source}' holds numbers in {key} that are not finite; its training went wrong "
                "or the file is damaged. Use another checkpoint."
            )
