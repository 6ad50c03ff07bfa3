# SPDX-License-Identifier: Apache-2.0
"""What the page on augmentations takes from the code: the table, and each one drawn."""

from __future__ import annotations

import dataclasses

import numpy as np
from accuracy_tables import table

import precordia as pc
from precordia.core.leads import STANDARD_12
from precordia.signal.resample import resample
from precordia.training.augmentations import (
    describe_augmentation,
    list_augmentations,
    load_augmentation,
)

FS, SECONDS = 250.0, 4.0
SHOWN = ("II", "V2", "V5")
#: stronger than by default where one could not see it
SETTINGS = {
    "gain": {"decibels": 4.0, "electrode_percent": 5.0},
    "axis-rotation": {"degrees": 30.0},
    "noise": {"kinds": ("muscle artifact",), "lowest_db": 12.0, "highest_db": 12.0},
    "lead-masking": {"lead_probability": 0.6},
    "time-masking": {"seconds": 0.8},
    "shift": {"seconds": 0.3},
    "crop": {"seconds": 2.5},
    "beat-warping": {"warp": 0.6, "amplitude": 0.4},
    "mixup": {"alpha": 5.0},
}
SEEDS = {"crop": 3, "time-masking": 10, "axis-rotation": 6, "beat-warping": 2, "lead-masking": 1}


def augmentations() -> str | None:
    """List every augmentation with what it does and its settings."""
    try:
        made = [load_augmentation(name) for name in list_augmentations()]
    except ImportError:
        return None
    rows = []
    for step in made:
        settings = ", ".join(
            f"`{field.name}` = {_plain(getattr(step, field.name))}"
            for field in dataclasses.fields(step)
            if field.name != "partner"
        )
        row = describe_augmentation(step.name)
        needs = {"rpeaks": "R-peaks", "partner": "other records"}.get(row.needs, "–")
        rows.append((f"`{step.name}`", row.does, settings, needs))
    return table(("name", "what it does", "settings and defaults", "needs"), rows)


def _plain(value) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return "none" if value is None else f"{value:g}"


def draw_augmentations() -> str:
    """Draw three leads of one recording, before (grey) and after each augmentation."""
    import torch

    from precordia.training.augmenter import Augmenter

    record = pc.simulate("sinus", seed=4)
    other = pc.simulate("atrial-fibrillation", seed=1)
    n = round(FS * SECONDS)
    signals = [
        resample(np.asarray(r.signal, float), r.fs, FS)[:, 300 : 300 + n] for r in (record, other)
    ]
    x = torch.from_numpy(np.stack(signals)).float()
    beats = [pc.detect_rpeaks(dataclasses.replace(record, signal=s, fs=FS)) for s in signals]
    panels = []
    for number, name in enumerate(list_augmentations()):
        options = dict(SETTINGS[name]) | ({} if name == "crop" else {"probability": 1.0})
        augmenter = Augmenter(
            steps=(load_augmentation(name, **options),),
            fs=FS,
            leads=STANDARD_12,
            rpeaks=beats,
            fetch=lambda rows: (x[[1] * len(rows)], None, None),
            n_records=2,
        )
        seed = SEEDS.get(name, 0)
        changed = augmenter.of_records(x[:1], records=[0], seed=seed, epoch=0)
        start = 0
        if name == "crop":
            pieces = x[0].unfold(1, changed.n_samples, 1)
            start = int((pieces == changed.windows[0][:, None]).all(2).all(0).nonzero()[0])
        panels.append(_panel(number, name, changed, start))
    once = "\n".join(
        _trace(signals[0][STANDARD_12.index(lead)], 0, 0, 0, "#b5b5b5", 1.6).replace(
            "<polyline", f'<polyline id="before-{lead}"'
        )
        for lead in SHOWN
    )
    wide, tall = 940, 30 + 170 * ((len(panels) + 1) // 2)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" width="{wide}" '
        f'height="{tall}" font-family="Helvetica,Arial,sans-serif" font-size="12" fill="#222">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n<defs>\n{once}\n</defs>\n'
        '<text x="20" y="20">Leads II, V2 and V5 of a simulated recording, 4 s. Grey: before. '
        "Black: after. Stronger than by default, so that it can be seen.</text>\n"
        + "\n".join(panels)
        + "\n</svg>\n"
    )


def _panel(number, name, changed, start) -> str:
    left, top = 20 + 460 * (number % 2), 38 + 170 * (number // 2)
    parts = [
        f'<rect x="{left}" y="{top}" width="440" height="158" fill="none" stroke="#ccc"/>',
        f'<text x="{left + 6}" y="{top + 15}" font-weight="bold">{name}</text>',
    ]
    after = changed.windows[0].numpy()
    for k, lead in enumerate(SHOWN):
        row = STANDARD_12.index(lead)
        level = top + 48 + 44 * k
        parts.append(f'<text x="{left + 6}" y="{level + 4}" fill="#777">{lead}</text>')
        parts.append(f'<use href="#before-{lead}" x="{left + 32}" y="{level}"/>')
        if changed.present[0, row]:
            parts.append(_trace(after[row], left + 32, level, start, "#111", 1.0))
        else:
            parts.append(f'<text x="{left + 380}" y="{level - 6}" fill="#777">absent</text>')
    return "\n".join(parts)


def _trace(values, left, level, start, colour, width) -> str:
    step = 400 / (FS * SECONDS)
    points = " ".join(
        f"{left + (start + k) * step:.1f},{level - 23 * value:.1f}"
        for k, value in enumerate(values)
        if k % 2 == 0
    )
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}" '
        'stroke-linejoin="round"/>'
    )
