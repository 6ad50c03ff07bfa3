# SPDX-License-Identifier: Apache-2.0
"""Where a network runs, and that it computes there the same numbers each time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from precordia.core.errors import OptionError
from precordia.core.settings import settings


def chosen_device(name: str = "auto") -> torch.device:
    """Return a device by name.

    Parameters
    ----------
    name
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``; or ``"auto"``: what ``PRECORDIA_DEVICE`` names, else an
        accelerator where there is one. Of the processes that torchrun started here, each gets an
        accelerator of its own.

    Raises
    ------
    OptionError
        If there is no such device, or not one for each process.

    Examples
    --------
    >>> chosen_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        name = settings().device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise OptionError(f"device is '{name}'; 'cpu', 'cuda' or 'auto' is needed.") from error
    if device.type == "cpu":
        return device
    if device.type != "cuda" or not torch.cuda.is_available():
        raise OptionError(f"device is '{name}', which is not here; use 'cpu' or 'auto'.")
    if torch.cuda._is_in_bad_fork():  # torch has no public name for it
        raise OptionError(
            f"device is '{name}', and this process was forked from one that uses it already, which "
            "CUDA does not allow. Use one process (n_jobs=1), or device 'cpu'."
        )
    device = _own_accelerator(device, torch.cuda.device_count())
    # without a place of its own cuBLAS sums in changing order; it reads this once, when it starts
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.cuda.set_device(device)
    return device


def _own_accelerator(device: torch.device, n_here: int) -> torch.device:
    n_processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if n_processes > n_here:
        raise OptionError(
            f"torchrun started {n_processes} processes here, each needs an accelerator of its own, "
            f"and there are {n_here}; start so many with --nproc-per-node, or use device 'cpu'."
        )
    if device.index is None:
        return torch.device(device.type, int(os.environ.get("LOCAL_RANK", "0")))
    if n_processes > 1:
        raise OptionError(
            f"device is '{device}', and torchrun started {n_processes} processes here, each of "
            f"which needs one of its own; use '{device.type}'."
        )
    if device.index >= n_here:
        raise OptionError(f"device is '{device}' and there are {n_here}; use a lower number.")
    return device


def seeded_devices(device: torch.device) -> list[int]:
    """Return the accelerators whose random numbers a training draws."""
    return [device.index or 0] if device.type == "cuda" else []


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Compute on an accelerator what a second run computes, with all digits of float32.

    Left alone, CUDA chooses among convolutions that sum in changing order, and rounds float32 to
    the ten bits of TF32. Where an operation has no repeatable form, PyTorch warns. Processors are
    repeatable as they are.
    """
    if device.type != "cuda":
        yield
        return
    strict, warns = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    with torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    ):
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(strict, warn_only=warns)


def chosen_precision(name: str, device: torch.device) -> str:
    """Return a precision; ``"auto"`` is bfloat16 where a device is made for it.

    Examples
    --------
    >>> chosen_precision("float32", torch.device("cpu"))
    'float32'
    """
    if name != "auto":
        return name
    if device.type == "cuda":
        made = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        can = torch.cpu.get_capabilities()
        made = bool(can.get("avx512_bf16") or can.get("amx_bf16") or can.get("bf16"))
    return "bfloat16" if made else "float32"
