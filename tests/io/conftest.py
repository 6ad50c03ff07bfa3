# SPDX-License-Identifier: Apache-2.0
"""Damage to files of devices, which must end in a sentence or in finite samples."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from precordia.core.errors import PrecordiaError
from precordia.io.read import read


@pytest.fixture
def read_damaged_xml(tmp_path: Path) -> Callable[..., int]:
    """Reader of many damaged files of XML; it returns how many were read all the same."""

    def read_all(
        contents: Sequence[bytes],
        *,
        seed: int,
        word: bytes,
        n: int = 400,
        options: Callable[[random.Random], dict[str, Any]] = lambda _: {},
    ) -> int:
        rng = random.Random(seed)
        path = tmp_path / "damaged.xml"
        n_read = 0
        for k in range(n):
            held = bytearray(contents[k % len(contents)])
            for _ in range(rng.choice((1, 3))):
                at = rng.randrange(len(held))
                held[at : at + rng.randrange(4)] = rng.choice(
                    (b"9", b"-1", word, b"1e99", b"", b"<")
                )
            path.write_bytes(held)
            try:
                signal = read(path, **options(rng)).signal
            except PrecordiaError:
                continue
            assert not np.isinf(signal).any()
            n_read += 1
        return n_read

    return read_all
