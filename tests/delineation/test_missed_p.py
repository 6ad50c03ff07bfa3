# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.core.source import Source
from precordia.delineation.assemble import assemble
from precordia.delineation.delineate import delineate
from precordia.delineation.missed_p import find_missed_p_waves, may_miss_p_waves, with_p_waves
from precordia.delineation.waves import LeadWaves
from precordia.generation.simulate import simulate


def known_waves(record, keep):
    """Waves of the simulated truth, of P only those to keep."""
    out = []
    for lead in record.leads:
        waves = record.carried.fiducials.leads[lead]
        tables = []
        for kind, peak in (("p", "p_peak"), ("qrs", "r_peak"), ("t", "t_peak")):
            fields = (f"{kind}_onset", peak, f"{kind}_offset")
            rows = np.stack([getattr(waves, f) for f in fields], axis=1)
            rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
            rows = rows[keep] if kind == "p" else rows
            tables.append(rows[np.isfinite(rows[:, 1])])
        out.append(LeadWaves(*tables))
    return out


@pytest.mark.parametrize("scenario", ["mobitz-1", "mobitz-2"])
def test_blocked_p_waves_are_found_by_those_that_conduct(scenario):
    record = simulate(scenario, seed=1)
    truth = record.carried.fiducials
    waves = known_waves(record, truth.has_qrs)
    before = assemble(waves, record.signal, 500.0, record.leads, None, source=Source())
    assert may_miss_p_waves(before)
    more = find_missed_p_waves(record.signal, before)
    waves = with_p_waves(waves, more)
    after = assemble(waves, record.signal, 500.0, record.leads, None, source=Source())
    blocked = truth.p_peak[~truth.has_qrs & (truth.p_peak < 4700)]
    found = after.p_peak[~after.has_qrs]
    assert len(found) == len(blocked) > 0
    assert np.abs(found - blocked).max() < 8


@pytest.mark.parametrize("scenario", ["sinus-bradycardia", "sinus-arrhythmia", "junctional-rhythm"])
def test_no_p_wave_is_added_where_none_is_missing(scenario):
    record = simulate(scenario, seed=2)
    truth = record.carried.fiducials
    waves = known_waves(record, np.ones(truth.n_cycles, bool))
    found = assemble(waves, record.signal, 500.0, record.leads, None, source=Source())
    assert not any(map(len, find_missed_p_waves(record.signal, found)))


def test_fibrillation_with_two_false_p_waves_is_not_looked_at_again():
    record = simulate("atrial-fibrillation", seed=5)
    truth = record.carried.fiducials
    waves = known_waves(record, np.ones(truth.n_cycles, bool))
    for lead in waves:
        onset = truth.qrs_onset[[3, 7]] - 50
        lead.p = np.stack([onset - 25, onset, onset + 25, np.ones(2)], axis=1)
    found = assemble(waves, record.signal, 500.0, record.leads, None, source=Source())
    assert not may_miss_p_waves(found)


def test_a_regular_rhythm_is_not_looked_at_again():
    record = simulate("sinus", seed=2)
    assert not may_miss_p_waves(delineate(record))
