# SPDX-License-Identifier: Apache-2.0
"""What has lost its millivolts is told, and no recording that has them is suspected."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.errors import FormatError
from precordia.core.plausibility import looks_normalised
from precordia.io.read import read


def z_scored(record):
    signal = record.signal.astype(np.float64)
    centred = signal - np.nanmean(signal, axis=1, keepdims=True)
    return (centred / np.nanstd(signal, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("part", [slice(None), slice(1000, 3500), slice(0, 4000)])
def test_a_recording_normalised_lead_by_lead_is_told_and_so_is_a_part_of_it(shared_data, part):
    for name in ("00001_hr", "00022_hr", "00056_hr"):
        record = read(shared_data / "ptbxl" / "records500" / "00000" / f"{name}.hea")
        assert looks_normalised(z_scored(record)[:, part])
        assert not looks_normalised(record.signal[:, part])


def test_no_recording_in_millivolts_is_taken_for_normalised(shared_data):
    files = [
        *sorted((shared_data / "ptbxl" / "records500").rglob("*.hea"))[:60],
        *sorted((shared_data / "cinc2021").rglob("*.hea"))[::5],
        *sorted((shared_data / "ludb" / "data").glob("*.hea"))[::5],
    ]
    assert len(files) > 100
    found = []
    for path in files:
        try:
            found.append(looks_normalised(read(path).signal))
        except FormatError:  # some are kept damaged on purpose
            continue
    assert len(found) > 100
    assert not any(found)
