# SPDX-License-Identifier: Apache-2.0
"""A device that keeps its tensors apart as CUDA does, on any processor.

A tensor of the device ``pretended`` computes on the processor, and refuses what an accelerator
refuses: tensors and generators of the processor beside its own, and ``numpy()``. Its
processes exchange tensors by Gloo, under the rules of NCCL: of this device, in one piece, of a type
that NCCL knows. So code that would stop on an accelerator stops here. What it cannot show are the
kernels of an accelerator: their rounding, their speed, and the order of their sums.

Import it before anything asks torch for a device; a program that did ends with `leave`, since
torch keeps a thread for the device.
"""

from __future__ import annotations

import os
import sys
from typing import ClassVar, NoReturn

import torch
import torch.distributed as dist
from torch.utils import _pytree as trees
from torch.utils import backend_registration as registration

aten = torch.ops.aten
NCCL_TYPES = {
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32,
    torch.int8, torch.uint8, torch.bool,
}  # fmt: skip
#: they read a tensor of one device and write one of another
_BETWEEN_DEVICES = {aten._to_copy.default, aten.copy_.default}


class _Module(registration._DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float32]

    def get_rng_state(self, device: object = None) -> torch.Tensor:
        return torch.get_rng_state()  # its numbers are drawn on the processor

    def set_rng_state(self, state: torch.Tensor, device: object = None) -> None:
        """Leave it to the processor's own."""


registration._DummyBackendModule = _Module
registration._setup_privateuseone_for_python_backend("pretended")
DEVICE = torch.device("pretended", 0)


class PretendedTensor(torch.Tensor):
    """A tensor of the device; ``on_processor`` holds its numbers."""

    on_processor: torch.Tensor

    @staticmethod
    def __new__(cls, numbers: torch.Tensor) -> PretendedTensor:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            numbers.shape,
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device=DEVICE,
        )
        made.on_processor = numbers
        return made

    def __init__(self, numbers: torch.Tensor) -> None:
        """Nothing is left to do."""

    def tolist(self) -> list:
        """Give the numbers to Python, as CUDA does."""
        return self.on_processor.tolist()

    @classmethod
    def __torch_dispatch__(cls, op, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        target = torch.device(kwargs.get("device") or DEVICE).type
        if target == "cpu" and op.overloadpacket in (aten._to_copy, aten.to):
            kwargs.pop("device")
            return op(args[0].on_processor, **kwargs).clone()
        if target == "cpu":
            raise RuntimeError(f"{op} makes a tensor of the processor from one of {DEVICE}")
        known = {}

        def bare(value):
            if isinstance(value, torch.device):
                return torch.device("cpu")
            if (
                isinstance(value, torch._C.Generator)
                and value._cdata not in PretendedGenerator.ours
            ):
                raise RuntimeError(f"{op}: a generator of the processor beside {DEVICE}")
            if isinstance(value, PretendedTensor):
                known[id(value.on_processor)] = value
                return value.on_processor
            if isinstance(value, torch.Tensor) and value.dim() and op not in _BETWEEN_DEVICES:
                raise RuntimeError(f"{op}: {tuple(value.shape)} of the processor beside {DEVICE}")
            return value

        def clothed(value):
            if not isinstance(value, torch.Tensor):
                return value
            # a conjugate that is only noted would be forgotten in the pass backwards
            value = value.resolve_conj().resolve_neg()
            return known[id(value)] if id(value) in known else cls(value)

        bare_args, bare_kwargs = trees.tree_map(bare, (args, kwargs))
        found = op(*bare_args, **bare_kwargs)
        if op is aten.copy_.default:
            return args[0]
        return trees.tree_map(clothed, found)


class PretendedGenerator(torch.Generator):
    """Random numbers that know their device, as those of CUDA do."""

    ours: ClassVar[set[int]] = set()

    def __new__(cls, device: str | torch.device = "cpu") -> PretendedGenerator:
        return super().__new__(cls)

    def __init__(self, device: str | torch.device = "cpu") -> None:
        self.of = torch.device(device)
        (self.ours.add if self.of.type == DEVICE.type else self.ours.discard)(self._cdata)

    @property
    def device(self) -> torch.device:
        """Where it draws."""
        return self.of


class PretendedNccl(dist.ProcessGroup):
    """Exchanges tensors of the device between processes."""

    def __init__(self, store, rank: int, size: int, timeout) -> None:
        super().__init__(rank, size)
        self.gloo = dist.ProcessGroupGloo(store, rank, size, timeout)

    def getBackendName(self) -> str:
        """Give torch's name of it."""
        return "pretended-nccl"

    def allreduce(self, tensors, options):
        """Sum over processes."""
        return self.gloo.allreduce(_sent(tensors), options)

    def broadcast(self, tensors, options):
        """Send to every process."""
        return self.gloo.broadcast(_sent(tensors), options)

    def allgather(self, lists, tensors, options):
        """Collect from every process."""
        return self.gloo.allgather([_sent(each) for each in lists], _sent(tensors), options)


def _sent(tensors):
    for tensor in tensors:
        if not isinstance(tensor, PretendedTensor):
            raise RuntimeError(f"NCCL takes tensors of {DEVICE}, not of {tensor.device}")
        if not tensor.is_contiguous():
            raise RuntimeError(f"NCCL takes tensors in one piece, not strides {tensor.stride()}")
        if tensor.dtype not in NCCL_TYPES:
            raise RuntimeError(f"NCCL does not know {tensor.dtype}")
    return [tensor.on_processor for tensor in tensors]


def leave(status: int = 0) -> NoReturn:
    """End the program without waiting for the thread of the device."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _empty(size, *, dtype=None, **_):
    return PretendedTensor(torch.empty(size, dtype=dtype))


def _empty_strided(size, stride, *, dtype=None, **_):
    return PretendedTensor(torch.empty_strided(size, stride, dtype=dtype))


def _copy_from(source, target, non_blocking=False):
    bare = [getattr(t, "on_processor", t) for t in (source, target)]
    bare[1].copy_(bare[0])
    return target


KERNELS = torch.library.Library("aten", "IMPL")
KERNELS.impl("empty.memory_format", _empty, "PrivateUse1")
KERNELS.impl("empty_strided", _empty_strided, "PrivateUse1")
KERNELS.impl("_copy_from", _copy_from, "PrivateUse1")
torch.Generator = PretendedGenerator
dist.Backend.register_backend("pretended-nccl", PretendedNccl, devices=["pretended"])
