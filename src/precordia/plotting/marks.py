# SPDX-License-Identifier: Apache-2.0
"""Waves as marks on a page: spans of P, QRS and T, and a tick at each peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from precordia.core.fiducials import Fiducials, Waves
from precordia.plotting.page import Page, Panel

#: colours that stay apart for colour-blind readers (Okabe and Ito 2008)
COLOURS = {"p": "#0072B2", "qrs": "#D55E00", "t": "#009E73"}
_BOUNDS = {
    "p": ("p_onset", "p_offset"),
    "qrs": ("qrs_onset", "qrs_offset"),
    "t": ("t_onset", "t_offset"),
}


@dataclass(frozen=True, slots=True)
class Span:
    """One wave on one panel, in millimetres on the page."""

    wave: str
    left_mm: float
    right_mm: float
    y_mm: float


def wave_spans(page: Page, fiducials: Fiducials) -> list[Span]:
    """Return where the waves of a record lie on its page.

    Parameters
    ----------
    page
        The layout.
    fiducials
        Waves of the same record. A lead without waves of its own shows the global ones.

    Returns
    -------
    One span per wave and panel; waves without both bounds are left out.
    """
    spans = []
    for panel in page.panels:
        waves: Waves = fiducials.leads.get(panel.lead.lstrip("-"), fiducials)
        for wave, (onset, offset) in _BOUNDS.items():
            for a, b in zip(getattr(waves, onset), getattr(waves, offset), strict=True):
                if np.isfinite(a) and np.isfinite(b) and a >= panel.first and b < panel.last:
                    scale = page.speed_mm_s / fiducials.fs
                    left = panel.x_mm + (a - panel.first) * scale
                    right = panel.x_mm + (b - panel.first) * scale
                    spans.append(Span(wave, left, right, panel.y_mm))
    return spans


def leads_found(panels: tuple[Panel, ...], leads: set[str]) -> set[int]:
    """Return the numbers of the panels whose lead is among ``leads``."""
    return {k for k, panel in enumerate(panels) if panel.lead.lstrip("-") in leads}
