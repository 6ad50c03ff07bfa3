# SPDX-License-Identifier: Apache-2.0
"""Several processes that train one model: who this one is, and sums over all of them."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

_TO_LET_GO_S = 0.3


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of one training.

    Attributes
    ----------
    rank
        Which one this is, from 0.
    n
        How many there are.

    Examples
    --------
    >>> Processes().is_first
    True
    """

    rank: int = 0
    n: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this one writes and speaks."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """Sum a tensor over all processes, in place."""
        if self.n > 1:
            dist.all_reduce(tensor)
        return tensor

    def sum_all(self, tensors: Sequence[Tensor]) -> None:
        """Sum tensors over all processes, in place and in one exchange."""
        if self.n == 1 or not tensors:
            return
        flat = torch.cat([t.reshape(-1) for t in tensors])
        dist.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def share(self, tensors: Sequence[Tensor]) -> None:
        """Give every process the tensors of the first."""
        if self.n > 1:
            for tensor in tensors:
                dist.broadcast(tensor.detach(), 0)


def join(device: torch.device) -> Processes:
    """Join the processes that torchrun started; alone where it started none.

    Parameters
    ----------
    device
        Where tensors are: NCCL joins accelerators, Gloo processors.

    Notes
    -----
    They stay joined until the program ends: a group cannot be joined twice.
    """
    if not dist.is_available():
        return Processes()
    if not dist.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "RANK" not in os.environ:
            return Processes()
        dist.init_process_group(dist.get_default_backend_for_device(device))
        atexit.register(_leave)
    return Processes(dist.get_rank(), dist.get_world_size())


def _leave() -> None:
    """Leave the group at the end of the program.

    A thread of Gloo gives the last tensor back a moment after it was summed, and needs Python for
    it: where the interpreter is gone by then, the process aborts although all its work is done.
    """
    time.sleep(_TO_LET_GO_S)
    if dist.is_initialized():
        dist.destroy_process_group()
