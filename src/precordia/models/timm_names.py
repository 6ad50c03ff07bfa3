# SPDX-License-Identifier: Apache-2.0
"""Blocks of transformers as timm, and whoever copied it, names their parts."""

from __future__ import annotations

import re

_PARTS = {
    "norm1": "norm_attention",
    "attn.qkv": "attention.qkv",
    "attn.proj": "attention.out",
    "norm2": "norm_mlp",
    "mlp.fc1": "mlp.0",
    "mlp.fc2": "mlp.3",
}


def renamed_block(key: str, before: str = "blocks.") -> str:
    """Rename a weight of a block; others are returned as they are.

    Parameters
    ----------
    key
        Its name in the authors' code.
    before
        What stands there before the number of the block.

    Examples
    --------
    >>> renamed_block("blocks.2.mlp.fc1.bias"), renamed_block("norm.weight")
    ('blocks.2.mlp.0.bias', 'norm.weight')
    """
    match = re.fullmatch(rf"{re.escape(before)}(\d+)\.(.+)\.(weight|bias)", key)
    if match is None:
        return key
    return f"blocks.{match[1]}.{_PARTS.get(match[2], match[2])}.{match[3]}"
