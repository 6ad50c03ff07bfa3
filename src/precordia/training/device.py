# SPDX-License-Identifier: Apache-2.0
"""Where a model is trained."""

from __future__ import annotations

import os

import torch

from precordia.core.errors import OptionError


def chosen_device(name: str) -> torch.device:
    """Return a device by name; ``"auto"`` is an accelerator where there is one.

    Raises
    ------
    OptionError
        If there is no such device.

    Examples
    --------
    >>> chosen_device("cpu")
    device(type='cpu')
    """
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
    if device.index is None:  # torchrun starts one process for each
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    if device.index >= torch.cuda.device_count():
        raise OptionError(
            f"device is '{device}' and there are {torch.cuda.device_count()}; use a lower number."
        )
    torch.cuda.set_device(device)
    return device


def seeded_devices(device: torch.device) -> list[int]:
    """Return the accelerators whose random numbers a training draws."""
    return [device.index or 0] if device.type == "cuda" else []


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
