# SPDX-License-Identifier: Apache-2.0
"""Recordings that pretraining must not see, because models are compared on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from precordia.core.errors import OptionError
from precordia.core.record import Remark
from precordia.datasets.challenge_records import source_of
from precordia.datasets.databases import dataset_card, list_datasets
from precordia.training.record_source import OUTSIDE, RecordSource

#: source of a record of the challenges whose folds are those of PTB-XL
_PTBXL = "ptb-xl"


def rows_for_pretraining(
    sources: Sequence[RecordSource], folds: Sequence[str] = ()
) -> tuple[list[Int[np.ndarray, " row"]], list[Remark]]:
    """Return which recordings of each source may be learned from.

    Parameters
    ----------
    sources
        Recordings.
    folds
        Folds to learn from, where a database has folds; by default those that are published for
        training. Databases without folds are taken whole.

    Returns
    -------
    Rows of each source, and what was left out and why.

    Raises
    ------
    OptionError
        If a fold is in none of the sources, or nothing is left.

    Notes
    -----
    A patient who has a recording in a fold that is kept back is kept back in all sources. The
    challenges of 2020 and 2021 hold recordings of PTB-XL, under names HR: they have PTB-XL's folds
    where the store was built with ``ptbxl_table``, and are left out where it was not, since nobody
    can tell whether they are among those that models are compared on.
    """
    parts = [_parts(source, folds) for source in sources]
    if folds:
        there = {fold for source in sources for fold in source.folds}
        for fold in folds:
            if fold not in there:
                known = ", ".join(sorted(there - {""}, key=lambda f: (len(f), f))) or "none"
                raise OptionError(f"no record is in fold '{fold}'; folds here: {known}.")
    held = {
        patient
        for source, part in zip(sources, parts, strict=True)
        for patient, name in zip(source.patient_keys, part, strict=True)
        if name == "held"
    }
    rows, remarks = [], []
    for source, part in zip(sources, parts, strict=True):
        shared = [
            p in held and k == "train" for p, k in zip(source.patient_keys, part, strict=True)
        ]
        keep = [k == "train" and not s for k, s in zip(part, shared, strict=True)]
        rows.append(np.flatnonzero(keep))
        remarks += _said(source, part, sum(shared), named=bool(folds))
        remarks += _said_of_comparison(source, rows[-1])
    if not any(len(held) for held in rows):
        raise OptionError(
            "no recording is left to learn from: all are in folds that are kept back. Name the "
            "folds to learn from (folds=, --folds)."
        )
    return rows, remarks


def _parts(source: RecordSource, folds: Sequence[str]) -> list[str]:
    """Return ``"train"``, ``"held"`` or ``"unknown"`` for each record."""
    parts = []
    for name, member, fold, part in zip(
        source.names, source.members, source.folds, source.parts, strict=True
    ):
        if not part and _is_of_ptbxl(member, name):
            if not fold:
                parts.append("unknown")
                continue
            part = "train" if fold in dataset_card("ptbxl").folds["train"] else OUTSIDE
        if folds and fold:
            parts.append("train" if fold in folds else "held")
        else:
            parts.append("train" if part in ("", "train") else "held")
    return parts


def _is_of_ptbxl(member: str, name: str) -> bool:
    """Return whether a record is, or where names were replaced may be, one of PTB-XL."""
    if member not in list_datasets() or "ptbxl" not in dataset_card(member).overlaps:
        return False
    return source_of(name.rsplit("/", 1)[-1]) in (_PTBXL, "")


def _said(
    source: RecordSource, parts: Sequence[str], n_shared: int, *, named: bool
) -> list[Remark]:
    said = []
    which = "that were not named" if named else "that are kept back"
    if n := parts.count("held"):
        text = f"{n} recordings of {source.title} are in folds {which}; left out."
        said.append(Remark(code="folds-kept-back", text=text))
    if n_shared:
        text = (
            f"{n_shared} recordings of {source.title} are of patients who have others in folds "
            f"{which}; left out."
        )
        said.append(Remark(code="patients-kept-back", text=text))
    if n := parts.count("unknown"):
        text = (
            f"{n} recordings of {source.title} are PTB-XL's, of folds that nobody noted; left out. "
            "Build the store with --option ptbxl_table=ptbxl_database.csv to have their folds."
        )
        said.append(Remark(code="folds-unknown", text=text))
    return said


def _said_of_comparison(source: RecordSource, rows: Int[np.ndarray, " row"]) -> list[Remark]:
    """Warn of folds that were named though models are compared on them."""
    n = sum(source.parts[k] not in ("", "train") for k in rows)
    if not n:
        return []
    text = (
        f"{n} recordings of {source.title} are in folds that are not published for training; what "
        "is scored on these folds afterwards says nothing of the encoder."
    )
    return [Remark(code="folds-of-comparison", text=text)]
