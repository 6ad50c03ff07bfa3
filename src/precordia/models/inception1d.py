# SPDX-License-Identifier: Apache-2.0
"""InceptionTime as the PTB-XL benchmark uses it."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from precordia.core.errors import OptionError
from precordia.models.options import check_positive
from precordia.models.ptbxl_network import PtbxlNetwork
from precordia.models.signal_shape import SignalShape
from precordia.nn.inception import InceptionGroup


class Inception1d(PtbxlNetwork):
    """Kernels of three lengths side by side, block after block, at the full rate.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    width
        Channels of each of the four ways of a block.
    bottleneck
        Channels that the kernels look at.
    kernel
        Samples of the longest kernel; the others have a half and a quarter. One is taken off even
        numbers.
    groups
        Groups of three blocks.
    hidden
        Length of the hidden layer before the last.
    dropout
        Share hidden before the last layer while training, and half of it before the hidden one.

    Notes
    -----
    Inception1d of the benchmark on PTB-XL with its settings: six blocks with kernels of 39, 19 and
    9 samples, maximum and mean over time, hidden layer of 128. InceptionTime has kernels of 40, 20
    and 10, the mean alone, no hidden layer, and averages five networks.

    References
    ----------
    Ismail Fawaz H, et al. Data Min Knowl Disc 2020;34:1936-1962. doi:10.1007/s10618-020-00710-y.
    Strodthoff N, et al. IEEE J Biomed Health Inform 2021;25:1519. doi:10.1109/JBHI.2020.3022989

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=250, fs=100)
    >>> Inception1d(shape, 5, width=4).eval()(torch.zeros(2, 12, 250)).shape
    torch.Size([2, 5])
    """

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 32,
        bottleneck: int = 32,
        kernel: int = 40,
        groups: int = 2,
        hidden: int = 128,
        dropout: float = 0.5,
    ) -> None:
        for name, value in (
            ("width", width),
            ("bottleneck", bottleneck),
            ("groups", groups),
            ("hidden", hidden),
        ):
            check_positive(name, value)
        if kernel < 4:
            raise OptionError(f"kernel is {kernel}; at least 4 samples, such as 40, are needed.")
        wide = 4 * width
        super().__init__(shape, n_outputs, width=wide, hidden=hidden, dropout=dropout)
        self.kernels = tuple(n if n % 2 else n - 1 for n in (kernel, kernel // 2, kernel // 4))
        self.groups = nn.ModuleList(
            InceptionGroup(
                wide if group else shape.n_leads, width, kernels=self.kernels, bottleneck=bottleneck
            )
            for group in range(groups)
        )
        self.end_with(hidden, dropout)

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return one token for every sample."""
        for group in self.groups:
            x = group(x)
        return x.transpose(1, 2)

    def stages(self) -> list[nn.Module]:
        """Return the groups."""
        return list(self.groups)

    def receptive_field(self) -> int:
        """Return the reach of the longest kernels, one in every block."""
        return 1 + 3 * len(self.groups) * (self.kernels[0] - 1)
