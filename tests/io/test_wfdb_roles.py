# SPDX-License-Identifier: Apache-2.0
"""Leads and companions: by name, unit and rate."""

from __future__ import annotations

import pytest

from precordia.core.errors import LeadError
from precordia.io.wfdb_header import parse_header
from precordia.io.wfdb_roles import assign_roles


def _roles(*signals):
    lines = "".join(f"a.dat 16x{per} 1/{unit} 16 0 0 0 0 {name}\n" for name, unit, per in signals)
    header = parse_header(f"a {len(signals)} 100 5\n{lines}".encode())
    return assign_roles(header.signals, "a.hea")


@pytest.mark.parametrize("name", ["i", "II", "avr", "AVL", "V1", "v6", "MLII", "MCL1", "vx"])
def test_names_of_leads_are_leads_in_any_unit(name):
    assert len(_roles((name, "NU", 1)).leads) == 1
    assert len(_roles((name, "mV", 1)).leads) == 1


@pytest.mark.parametrize(
    "name", ["ABP", "PLETH", "Resp", "CVP1", "SpO2", "EEG Fpz-Cz", "EMG", "Resp chest", "C4-A1"]
)
def test_other_kinds_of_signals_are_companions_even_in_millivolts(name):
    assert _roles(("II", "mV", 1), (name, "mV", 1)).companion_rows == (1,)


@pytest.mark.parametrize("name", ["V", "ECG", "ECG 1", "col 3", "artificial 1"])
def test_other_voltages_are_leads_by_their_own_name(name):
    assert _roles((name, "uV", 1)).leads == (name,)


def test_the_rate_that_most_leads_share_is_the_record_s():
    roles = _roles(("I", "mV", 1), ("II", "mV", 4), ("V1", "mV", 4), ("ABP", "mmHg", 1))
    assert (roles.leads, roles.per_frame) == (("II", "V1"), 4)
    assert roles.companion_rows == (0, 3)
    assert [r.code for r in roles.remarks] == ["lead-rates-differ"]


def test_without_any_lead_the_error_names_what_there_is():
    with pytest.raises(LeadError, match="its signals are ABP, PLETH"):
        _roles(("ABP", "mmHg", 1), ("PLETH", "NU", 1))
