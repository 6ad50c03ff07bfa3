# SPDX-License-Identifier: Apache-2.0
"""Studies of simulated recordings, examined once."""

from dataclasses import replace

import pytest

from precordia.core.record import Patient
from precordia.core.study import Study
from precordia.generation.simulate import simulate
from precordia.pipeline import examine

SCENARIOS = (
    "sinus",
    "atrial-fibrillation",
    "left-bundle-block",
    "ventricular-premature",
)


@pytest.fixture(scope="session")
def studies() -> dict[str, Study]:
    """One study a scenario."""
    return {name: examine(simulate(name, seed=1)) for name in SCENARIOS}


@pytest.fixture(scope="session")
def sinus(studies) -> Study:
    """A normal ECG."""
    return studies["sinus"]


@pytest.fixture(scope="session")
def fibrillation(studies) -> Study:
    """Atrial fibrillation."""
    return studies["atrial-fibrillation"]


@pytest.fixture(scope="session")
def of_patient():
    """Give a study to somebody."""

    def give(study: Study, **told: object) -> Study:
        return replace(study, record=replace(study.record, patient=Patient(**told)))

    return give


@pytest.fixture(scope="session")
def unreadable() -> Study:
    """A study whose quality is not acceptable."""
    record = simulate("sinus", seed=1)
    flat = record.signal * 0.0
    return examine(replace(record, signal=flat))
