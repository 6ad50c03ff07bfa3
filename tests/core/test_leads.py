# SPDX-License-Identifier: Apache-2.0
"""Lead names and the identities between limb leads."""

import numpy as np
import pytest

from precordia.core.leads import STANDARD_12, canonical_lead, identity_residuals, limb_leads_agree
from precordia.core.plausibility import amplitude_remarks, lead_remarks, looks_normalised


@pytest.mark.parametrize(
    ("vendor", "ours"),
    [
        ("avr", "aVR"),
        ("AVF", "aVF"),
        ("MDC_ECG_LEAD_V3", "V3"),
        ("MDC_ECG_LEAD_AVL", "aVL"),
        ("Lead II", "II"),
        ("lead i", "I"),
        ("ECG V5", "V5"),
        ("ECG aVR", "aVR"),
        ("EKG II", "II"),
        ("V1 ", "V1"),
        ("MLII", "II"),
        ("vx", "X"),
        ("C4", "V4"),
        ("DIII", "III"),
        ("V2-Ref", "V2"),
        ("PLETH", None),
        ("ABP", None),
        ("", None),
        ("RESP", None),
        ("ECG", None),
        ("-aVR", "-aVR"),
        ("Lead -aVR", "-aVR"),
        ("\u2212aVR", "-aVR"),
        ("MDC_ECG_LEAD_AVRneg", "-aVR"),
        ("aVR (inverted)", "-aVR"),
        ("-II", None),
        ("ECG -II", None),
        ("II (negative)", None),
        ("I-II", None),
        ("ECG 1", None),
        ("ECG2", None),
        ("Channel 3", None),
        ("V-1", "V1"),
        ("Ableitung II", "II"),
        ("D\u00e9rivation aVL", "aVL"),
        ("Derivaci\u00f3n V2", "V2"),
        ("Lead-1", "I"),
    ],
)
def test_vendor_spellings_map_to_the_standard_ones(vendor, ours):
    assert canonical_lead(vendor) == ours


def test_a_name_without_end_costs_nothing():
    assert canonical_lead("Lead " + " " * 1_000_000 + "II") is None


def _limb() -> np.ndarray:
    one, two = np.random.default_rng(0).normal(size=(2, 3000)) * 0.4
    return np.vstack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2])


def test_true_limb_leads_agree():
    assert limb_leads_agree(_limb(), STANDARD_12[:6])
    assert lead_remarks(_limb(), STANDARD_12[:6]) == ()


@pytest.mark.parametrize("row", [2, 3, 4, 5])
def test_a_turned_lead_is_named(row):
    signal = _limb()
    signal[row] *= -1
    (remark,) = lead_remarks(signal, STANDARD_12[:6])
    assert (remark.code, remark.leads) == ("lead-polarity", (STANDARD_12[row],))


def test_exchanged_leads_are_reported():
    signal = _limb()[[0, 1, 2, 4, 3, 5]]
    assert {r.code for r in lead_remarks(signal, STANDARD_12[:6])} == {"leads-inconsistent"}


def test_gaps_do_not_hide_the_identities():
    signal = _limb()
    signal[:, 100:200] = np.nan
    signal[2] *= -1
    assert [r.leads for r in lead_remarks(signal, STANDARD_12[:6])] == [("III",)]
    assert identity_residuals(signal, STANDARD_12[:6])["aVF"][0] < 1e-6


@pytest.mark.parametrize("factor", [1e-3, 10, 100, 1000])
def test_a_wrong_power_of_ten_is_reported(factor):
    signal = _limb() * factor
    (remark,) = amplitude_remarks(signal, STANDARD_12[:6])
    assert remark.code == "amplitude-implausible"


def test_a_usual_amplitude_is_not_reported():
    assert amplitude_remarks(_limb(), STANDARD_12[:6]) == ()


def test_a_z_scored_signal_is_recognised_and_millivolts_are_not():
    signal = _limb()
    assert not looks_normalised(signal)
    assert looks_normalised((signal - signal.mean(1, keepdims=True)) / signal.std(1, keepdims=True))


@pytest.mark.parametrize("spelled", ["ECG ECG 1", "MDC_ECG_LEAD_ECG 2", "Lead ECG_3"])
def test_a_numbered_channel_is_no_lead_behind_a_prefix_either(spelled):
    assert canonical_lead(spelled) is None
