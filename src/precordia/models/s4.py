# SPDX-License-Identifier: Apache-2.0
"""Structured state spaces as in the ECG literature, with diagonal systems."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from precordia.core.errors import OptionError
from precordia.models.options import check_positive, check_share
from precordia.models.signal_shape import SignalShape
from precordia.models.stem_and_blocks import StemAndBlocks
from precordia.nn.state_space import StateSpaceBlock


class S4(StemAndBlocks):
    """State-space layers over all samples, then their mean.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    width, depth
        Channels and number of blocks.
    state
        States of each channel; even.
    bidirectional
        Whether each layer also looks from the end to the beginning.
    norm_first
        Whether normalisation stands before each layer, or behind.
    stride
        Keep every so many samples, by a convolution of as many: 1 is the published model, 4 is
        four times faster.
    stem_layers
        Layers of the stem, of which the first one has the stride; those behind see one step each.
    dropout
        Share of channels hidden while training.

    Notes
    -----
    The model of Mehari & Strodthoff: four layers of 512 channels with 8 states, both directions,
    dropout 0.2, mean over time. Their systems are diagonal plus low rank with HiPPO-LegS poles;
    ours are diagonal with evenly spaced frequencies (`precordia.nn.state_space`), and their time
    steps, decays and frequencies are learned with the rate of all other weights.

    References
    ----------
    Mehari T, Strodthoff N. Advancing the state-of-the-art for ECG analysis through structured
    state space models. 2022. arXiv:2211.07579

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=100, fs=100)
    >>> S4(shape, 5, width=8, depth=1).eval()(torch.zeros(2, 12, 100)).shape
    torch.Size([2, 5])
    """

    #: systems remember all of the window
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 512,
        depth: int = 4,
        state: int = 8,
        bidirectional: bool = True,
        norm_first: bool = False,
        stride: int = 1,
        stem_layers: int = 1,
        dropout: float = 0.2,
    ) -> None:
        sizes = {"width": width, "depth": depth, "stride": stride, "stem_layers": stem_layers}
        for name, value in sizes.items():
            check_positive(name, value)
        if state < 2 or state % 2:
            raise OptionError(f"state is {state}; an even number such as 8 is needed.")
        check_share("dropout", dropout)
        super().__init__(shape, n_outputs, dim=width)
        self.smallest = stride  # type: ignore[misc]
        self.bidirectional = bidirectional
        self.stem: nn.Module = nn.Conv1d(shape.n_leads, width, stride, stride=stride)
        if stem_layers > 1:
            behind = [_step_by_step(width) for _ in range(stem_layers - 1)]
            self.stem = nn.Sequential(self.stem, *behind)
        self.blocks = nn.ModuleList(
            StateSpaceBlock(
                width,
                state=state,
                bidirectional=bidirectional,
                dropout=dropout,
                norm_first=norm_first,
            )
            for _ in range(depth)
        )


def _step_by_step(width: int) -> nn.Module:
    """Return a layer that sees one step."""
    return nn.Sequential(nn.BatchNorm1d(width), nn.ReLU(), nn.Conv1d(width, width, 1))
