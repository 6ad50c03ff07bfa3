# SPDX-License-Identifier: Apache-2.0
import numpy as np

from precordia.delineation.waves import CONFIDENCE, OFFSET, ONSET, PEAK, LeadWaves


def test_a_lead_without_waves_has_empty_tables_of_its_own():
    a, b = LeadWaves(), LeadWaves()
    assert a.p.shape == a.qrs.shape == a.t.shape == (0, 4)
    assert a.p is not b.p


def test_columns_are_named_in_the_order_of_time():
    lead = LeadWaves(t=np.array([[1.0, 2.0, 3.0, 0.5]]))
    assert (lead.t[0, ONSET], lead.t[0, PEAK], lead.t[0, OFFSET]) == (1.0, 2.0, 3.0)
    assert lead.t[0, CONFIDENCE] == 0.5
