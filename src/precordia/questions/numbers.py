# SPDX-License-Identifier: Apache-2.0
"""The numbers of one study, looked up many times for one question."""

from __future__ import annotations

import math
from functools import cached_property

from precordia.core.lead_numbers import lead_number, record_number
from precordia.core.plausibility import scaled_one_by_one
from precordia.core.study import Study
from precordia.core.study_numbers import LEAD_MEASURES, number_of, why_unreadable


class Numbers:
    """Numbers of a study by name, as `precordia.core.study_numbers.number_of` gives them.

    Whether the leads were scaled one by one is found out once, not once for each number.

    Parameters
    ----------
    study
        Where to look.
    """

    def __init__(self, study: Study) -> None:
        self.study = study

    @cached_property
    def _scaled(self) -> str:
        return scaled_one_by_one(self.study.record.signal)

    @cached_property
    def unreadable(self) -> str:
        """Why nothing can be told of the heart: no lead can be read; empty where one can."""
        return why_unreadable(self.study)

    def of(self, measure: str, lead: str = "") -> tuple[float, str]:
        """Return one number and an empty string, or NaN and why it is absent."""
        study = self.study
        if not lead:
            if not measure.endswith("_axis_deg"):
                return number_of(study, measure)
            if self.unreadable or self._scaled:
                return math.nan, self.unreadable or self._scaled
            return record_number(study.measurements, measure)
        quality = study.quality.leads.get(lead)
        numbers = study.measurements.leads.get(lead)
        usable = quality is None or quality.usable
        if lead not in study.record.leads or measure not in LEAD_MEASURES or not usable:
            return number_of(study, measure, lead)
        if numbers is None:
            return number_of(study, measure, lead)
        if ("_mv" in measure or measure == "r_to_s") and self._scaled:
            return math.nan, self._scaled
        return lead_number(numbers, measure, lead)
