# SPDX-License-Identifier: Apache-2.0
"""Classify many records by the model alone, several at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from precordia.classification.contradicting import with_contradictions
from precordia.classification.learned import predict_many
from precordia.classification.merge import merge
from precordia.core.findings import Findings
from precordia.core.quality import Quality
from precordia.core.record import Record


def classify_many(
    records: Iterable[Record], *, model: str | None = None, check_quality: bool = True
) -> Iterator[Findings]:
    """Name what each of many records shows, by a trained model alone.

    Parameters
    ----------
    records
        Taken from the iterable only as fast as they are judged.
    model
        Name of a model or path of a graph; by default chosen for each record by its leads.
    check_quality
        Assess each record first, which hides unusable leads from the model and withholds findings
        of unreadable records. Without it, three times as fast, every lead with a signal is trusted.

    Yields
    ------
    The findings of each record, in their order, as ``classify(record, method="learned")``.

    Raises
    ------
    UnknownNameError, WeightsError, MissingExtraError
        If the model is not known, damaged or cannot be run.

    Examples
    --------
    >>> list(classify_many([]))
    []
    """
    from precordia.quality.assess import assess

    def with_quality() -> Iterator[tuple[Record, Quality | None]]:
        for record in records:
            yield record, assess(record) if check_quality else None

    for predicted in predict_many(with_quality(), model=model):
        yield with_contradictions(merge(None, predicted))
