# SPDX-License-Identifier: Apache-2.0
"""The waves of a recording by a model that was trained to name each sample."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

import precordia
from precordia.core.errors import OptionError
from precordia.core.fiducials import Fiducials
from precordia.core.input_spec import ANY_LEAD, InputSpec
from precordia.core.input_steps import Window
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.delineation.assemble import assemble
from precordia.delineation.sample_waves import (
    SAMPLE_CLASSES,
    SHORTEST_MS,
    runs_of_class,
    without_short_runs,
)
from precordia.delineation.waves import WAVE_KINDS, LeadWaves
from precordia.embedding.prepare import prepare
from precordia.models.encoder import Encoder
from precordia.models.pretrained import from_pretrained
from precordia.training.predict import predict


def predict_waves(model: Encoder | str | os.PathLike[str], record: Record) -> Fiducials:
    """Find the waves of a recording with a model of samples.

    Parameters
    ----------
    model
        The model, or the folder that ``precordia train`` saved it in (the folder of the training,
        or ``model`` in it).
    record
        The recording. A model of one lead of any name sees each lead by itself.

    Returns
    -------
    Fiducials with a row per cardiac cycle. Those of a model that sees several leads at once are the
    same in each lead.

    Raises
    ------
    OptionError
        If the model does not name samples, or nothing says how recordings become its windows.
    WeightsError
        If there is no such model.
    SignalError, LeadError
        If the recording is not what the model needs.

    Notes
    -----
    Windows overlap by half; where they do, probabilities are averaged. What is shorter than 20 ms
    is no wave. A wave peaks where the lead is furthest from the line between its bounds, and its
    confidence is the mean probability of its class. Leads are joined by
    `precordia.delineation.assemble.assemble`. A recording without a sample of a wave has no rows.
    """
    made = model if isinstance(model, Encoder) else from_pretrained(model)
    spec = _checked_spec(made)
    if spec.leads == (ANY_LEAD,):
        likely = [_probabilities(made, record, spec, lead) for lead in record.leads]
    else:
        likely = [_probabilities(made, record, spec, None)] * record.n_leads
    waves = [
        _lead_waves(of_lead, signal, record.fs, spec.fs, made.classes)
        for of_lead, signal in zip(likely, record.signal, strict=True)
    ]
    source = Source(
        method="predict_waves",
        version=precordia.__version__,
        parameters={"model": made.name, "input": spec.fingerprint},
    )
    return assemble(waves, record.signal, record.fs, record.leads, None, source=source)


def _checked_spec(model: Encoder) -> InputSpec:
    if model.outputs != "sample" or not set(model.classes) <= set(SAMPLE_CLASSES):
        classes = ", ".join(model.classes[:5]) or "none"
        raise OptionError(
            f"the model {model.name} gives scores of each {model.outputs} (classes: {classes}); "
            "one that names samples as background, P, QRS and T is needed. 'precordia train' makes "
            'one with data.task = "waves".'
        )
    if model.input_spec is None or not model.classes:
        raise OptionError(
            f"the model {model.name} does not say how recordings become its windows, or what its "
            "outputs are. Save it with input_spec and classes."
        )
    return model.input_spec


def _probabilities(
    model: Encoder, record: Record, spec: InputSpec, lead: str | None
) -> Float[np.ndarray, "statement sample"]:
    """Return the probability of each class over a whole recording, at the model's rate."""
    window = replace(
        spec.window, take="sliding", step_s=spec.seconds / 2, tail="shift", short="edge"
    )
    steps = tuple(window if isinstance(step, Window) else step for step in spec.steps)
    held = prepare(record, replace(spec, steps=steps), lead=lead)
    present = np.array([[name not in held.absent for name in held.leads]] * held.n_windows)
    logits = predict(model, np.asarray(held.windows), present=None if present.all() else present)
    named = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    n_samples = 1 + round((record.n_samples - 1) * spec.fs / record.fs)
    total, times = np.zeros((named.shape[1], n_samples)), np.zeros(n_samples)
    for scores, (first, _), (start, stop) in zip(named, held.covers, held.recorded, strict=True):
        at = round(first * spec.fs / record.fs)
        n = min(stop - start, n_samples - at)
        total[:, at : at + n] += scores[:, start : start + n]
        times[at : at + n] += 1
    return total / np.maximum(times, 1)


def _lead_waves(
    likely: Float[np.ndarray, "statement sample"],
    signal: Float[np.ndarray, " _"],
    fs: float,
    model_fs: float,
    classes: tuple[str, ...],
) -> LeadWaves:
    """Read waves from the probabilities of a lead."""
    step = fs / model_fs
    said = without_short_runs(likely.argmax(axis=0), SHORTEST_MS * model_fs / 1000)
    tables: dict[str, Any] = {}
    for kind, name in zip(WAVE_KINDS, SAMPLE_CLASSES[1:], strict=True):
        rows = []
        if name in classes:
            number = classes.index(name)
            for first, last in runs_of_class(said, number):
                onset, offset = first * step, min(last * step, signal.size - 1.0)
                sure = float(likely[number, first : last + 1].mean())
                rows.append((onset, _peak(signal, onset, offset), offset, sure))
        tables[kind] = np.array(rows, float).reshape(-1, 4)
    return LeadWaves(**tables)


def _peak(signal: Float[np.ndarray, " sample"], onset: float, offset: float) -> float:
    """Return where a wave is furthest from the line between its bounds."""
    first, last = int(np.ceil(onset)), int(np.floor(offset))
    wave = signal[first : last + 1].astype(float)
    if wave.size < 3 or not np.isfinite(wave).any():
        return (onset + offset) / 2
    line = np.linspace(wave[0], wave[-1], wave.size)
    away = np.abs(wave - line)
    return float(first + np.nanargmax(away)) if np.isfinite(away).any() else (onset + offset) / 2
