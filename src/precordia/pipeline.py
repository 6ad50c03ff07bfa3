# SPDX-License-Identifier: Apache-2.0
"""The whole journey from a file to a study: the stages in order, nothing else."""

from __future__ import annotations

import os
from typing import Any

from precordia import __version__
from precordia.classification.classify import classify
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.core.study import Study
from precordia.delineation.delineate import delineate
from precordia.io.read import read
from precordia.measurement.measure import measure
from precordia.quality.assess import assess


def examine(
    source: str | os.PathLike[str] | Record, *, format: str | None = None, **options: Any
) -> Study:
    """Read an ECG, check it, find the waves, measure, and say what is there.

    Parameters
    ----------
    source
        A file, or a record that was read before.
    format
        Name of the file's format where its content should not decide.
    **options
        Passed to the reader: ``unit``, ``fs``, ...

    Returns
    -------
    The record with its quality, waves, measurements and findings.

    Raises
    ------
    FormatError
        If the file cannot be read.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> study = examine(simulate(heart_rate_bpm=75, seed=1))
    >>> round(study.measurements.heart_rate_bpm)
    75
    """
    record = source if isinstance(source, Record) else read(source, format=format, **options)
    quality = assess(record)
    fiducials = delineate(record)
    measurements = measure(record, fiducials)
    findings = classify(record, quality=quality, fiducials=fiducials, measurements=measurements)
    return Study(
        record=record,
        quality=quality,
        fiducials=fiducials,
        measurements=measurements,
        findings=findings,
        source=Source(method="examine", version=__version__),
    )
