# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.core.errors import OptionError
from precordia.core.leads import STANDARD_12
from precordia.signal.electrode_swap import swap_electrodes
from precordia.signal.lead_algebra import ELECTRODES_9, transform_leads

POTENTIALS = np.random.default_rng(3).normal(size=(9, 40))
TWELVE = transform_leads(POTENTIALS, ELECTRODES_9, "electrodes")
ROW = {name: k for k, name in enumerate(STANDARD_12)}

# the textbook table of limb electrode exchanges: lead after the exchange -> (sign, lead before)
TABLE = {
    ("RA", "LA"): {
        "I": (-1, "I"),
        "II": (1, "III"),
        "III": (1, "II"),
        "aVR": (1, "aVL"),
        "aVF": (1, "aVF"),
    },
    ("LA", "LL"): {
        "I": (1, "II"),
        "II": (1, "I"),
        "III": (-1, "III"),
        "aVL": (1, "aVF"),
        "aVR": (1, "aVR"),
    },
    ("RA", "LL"): {
        "I": (-1, "III"),
        "II": (-1, "II"),
        "III": (-1, "I"),
        "aVR": (1, "aVF"),
        "aVL": (1, "aVL"),
    },
    ("C1", "C2"): {"V1": (1, "V2"), "V2": (1, "V1"), "V3": (1, "V3"), "I": (1, "I")},
}


@pytest.mark.parametrize("pair", TABLE)
def test_an_exchange_does_what_the_textbook_says(pair):
    swapped = swap_electrodes(TWELVE, STANDARD_12, *pair)
    for after, (sign, before) in TABLE[pair].items():
        np.testing.assert_allclose(swapped[ROW[after]], sign * TWELVE[ROW[before]], atol=1e-12)


def test_an_exchange_equals_exchanged_potentials():
    order = [
        ELECTRODES_9.index(name) for name in ("C3", "LA", "LL", "C1", "C2", "RA", "C4", "C5", "C6")
    ]
    expected = transform_leads(POTENTIALS[order], ELECTRODES_9, "electrodes")
    # a limb electrode and a chest electrode change Wilson's terminal, which the leads remember
    swapped = swap_electrodes(TWELVE, STANDARD_12, "RA", "C3")
    np.testing.assert_allclose(swapped, expected, atol=1e-12)


@pytest.mark.parametrize("pair", [("RA", "LA"), ("RA", "C3"), ("C4", "C6")])
def test_twice_exchanged_is_not_exchanged(pair):
    once = swap_electrodes(TWELVE, STANDARD_12, *pair)
    np.testing.assert_allclose(swap_electrodes(once, STANDARD_12, *pair), TWELVE, atol=1e-12)


def test_the_right_leg_cannot_be_computed():
    with pytest.raises(OptionError, match="RL"):
        swap_electrodes(TWELVE, STANDARD_12, "RL", "LA")
