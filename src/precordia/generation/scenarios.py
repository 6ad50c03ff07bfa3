# SPDX-License-Identifier: Apache-2.0
"""The table of the scenarios that can be simulated."""

from precordia.core.errors import unknown_name
from precordia.generation.rhythm_scenarios import rhythm_scenarios
from precordia.generation.scenario import Scenario
from precordia.generation.shape_scenarios import shape_scenarios

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for scenario in (*rhythm_scenarios(), *shape_scenarios())
}


def list_scenarios() -> tuple[str, ...]:
    """Return the names that `simulate` knows.

    Examples
    --------
    >>> "atrial-fibrillation" in list_scenarios()
    True
    """
    return tuple(SCENARIOS)


def find_scenario(name: str) -> Scenario:
    """Return a scenario by its name.

    Raises
    ------
    UnknownNameError
        If there is none of that name.

    Examples
    --------
    >>> find_scenario("mobitz-1").text
    'second-degree AV block, Wenckebach type'
    """
    if name not in SCENARIOS:
        raise unknown_name("scenario", name, SCENARIOS, listing="list_scenarios()")
    return SCENARIOS[name]
