# SPDX-License-Identifier: Apache-2.0
"""Pacing spikes of recordings, and what is none."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.classification.by_rules import judge_by_rules
from precordia.delineation.delineate import delineate
from precordia.io.read import read
from precordia.measurement.pacing import paced_beats


def test_spikes_that_ring_are_seen_in_a_paced_recording(shared_data):
    """PTB-XL 498: "pacemaker ekg"; each spike is followed by its own return 10 ms later."""
    record = read(shared_data / "ptbxl" / "records500" / "00000" / "00498_hr.hea")
    fiducials = delineate(record)
    paced = paced_beats(np.nan_to_num(record.signal), fiducials, record.fs)
    assert np.count_nonzero(paced) >= 7
    assert "PACE" in judge_by_rules(record, fiducials=fiducials)


@pytest.mark.parametrize("name", ["00001_hr", "00022_hr", "00056_hr"])
def test_a_steep_qrs_is_no_spike(shared_data, name):
    record = read(shared_data / "ptbxl" / "records500" / "00000" / f"{name}.hea")
    assert not paced_beats(np.nan_to_num(record.signal), delineate(record), record.fs).any()
