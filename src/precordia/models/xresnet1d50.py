# SPDX-License-Identifier: Apache-2.0
"""The xresnet of the PTB-XL benchmark, 50 layers."""

from __future__ import annotations

from typing import ClassVar

from precordia.models.xresnet1d101 import XResNet1d101


class XResNet1d50(XResNet1d101):
    """The network of `XResNet1d101` with six blocks in place of twenty-three.

    References
    ----------
    Strodthoff N, Wagner P, Schaeffter T, Samek W. IEEE J Biomed Health Inform 2021;25:1519-1528.
    doi:10.1109/JBHI.2020.3022989
    """

    blocks_of_stages: ClassVar[tuple[int, ...]] = (3, 4, 6, 3)
