# SPDX-License-Identifier: Apache-2.0
"""Embeddings of the same records by several encoders, each beside itself with random weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from precordia.benchmarking.cohort import Cohort, load_cohort
from precordia.benchmarking.networks import find_network
from precordia.benchmarking.part_embeddings import embed_windows
from precordia.benchmarking.partition import divide
from precordia.benchmarking.representation_audit import Audited, audit_representation
from precordia.benchmarking.result_rows import run_key
from precordia.benchmarking.withheld import Part
from precordia.core.errors import OptionError, PrecordiaError
from precordia.core.input_spec import InputSpec
from precordia.core.scores import Scores
from precordia.models.shipped import SHIPPED


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelAudit:
    """What an audit found, and the embeddings that it looked at.

    Attributes
    ----------
    scores
        The numbers.
    records
        Labels, patients, parts and sites.
    embeddings
        One row a record, for each encoder.
    """

    scores: Scores
    records: Audited
    embeddings: dict[str, Float[np.ndarray, "batch dim"]]


def audit_models(
    data: Sequence[str],
    models: Sequence[str],
    *,
    task: str | None = None,
    folds: str | None = None,
    shares: Sequence[float] = (0.01, 0.1, 1.0),
    controls: bool = True,
    spec: InputSpec | None = None,
    seed: int = 0,
    watch: Callable[[str], None] = lambda words: None,
    **options: Any,
) -> ModelAudit:
    """Embed the records of one database or several by each encoder, and audit the embeddings.

    Parameters
    ----------
    data
        ``NAME=FOLDER`` or stores. Several are several sites; the classes that all of them have are
        looked at.
    models
        Names of architectures (random weights), folders of weights, or encoders that ship with the
        package (``"precordia-12lead"``).
    task, folds
        As for `benchmark_classification`.
    shares
        Shares of labels.
    controls
        Whether each architecture with weights is shown beside itself with random ones.
    spec
        How records become windows, where it should not be what the model says.
    seed
        Of random weights, labels and draws.
    watch
        Is told what is being done.
    **options
        Of the loader of the database.

    Raises
    ------
    OptionError
        If nothing was given, databases share no class, or no record can be embedded by all.
    UnknownNameError, FormatError, WeightsError
        If a database or model is not there.
    """
    if not data or not models:
        raise OptionError("at least one --data and one --model are needed for an audit.")
    cohorts = [load_cohort(given, task=task, **options) for given in data]
    parts = [Part(cohort) for cohort in cohorts]
    views: dict[str, np.ndarray] = {}
    marks: dict[str, str] = {}
    for name in dict.fromkeys(models):
        for label, mark, embed in _encoders(name, controls, spec, seed):
            if marks.setdefault(label, mark) != mark:  # another encoder has this name
                label = f"{label} {mark[:6]}"
            if label in views:
                continue
            watch(f"embedding {sum(map(len, cohorts))} records with {label}")
            views[label] = np.concatenate([embed(part) for part in parts])
    kept = np.all([np.isfinite(view).all(axis=1) for view in views.values()], axis=0)
    records = _join(cohorts, folds, seed, kept)
    views = {name: view[kept] for name, view in views.items()}
    watch("auditing")
    scores = audit_representation(views, records, shares=shares, seed=seed)
    return ModelAudit(scores=scores, records=records, embeddings=views)


def _encoders(name: str, controls: bool, spec: InputSpec | None, seed: int):
    """Yield what each encoder is called, a mark of what it is, and what embeds a part with it."""
    if name in SHIPPED or name.endswith(".onnx"):
        yield name, name, lambda part: _embed_by_graph(part, name)
        return
    network = find_network(name, spec=spec)
    twins = [network, network.untrained()] if network.pretrained and controls else [network]
    for twin in twins:
        encoder = twin.load(0, seed=seed)
        label = twin.name if twin.pretrained else twin.untrained().name
        made = twin.weights_hash or run_key(
            options=twin.options, architecture=twin.architecture, spec=twin.spec.fingerprint
        )
        yield (
            label,
            made,
            lambda part, encoder=encoder, twin=twin: embed_windows(encoder, part, twin.spec),
        )


def _embed_by_graph(part: Part, name: str) -> np.ndarray:
    from precordia.embedding.embed import embed

    found: list[np.ndarray | None] = []
    for k in range(len(part)):
        try:
            found.append(embed(part.record(k), model=name).vector)
        except PrecordiaError:
            found.append(None)
    dim = next((len(vector) for vector in found if vector is not None), 1)
    return np.stack([np.full(dim, np.nan) if v is None else np.asarray(v, float) for v in found])


def _join(cohorts: list[Cohort], folds: str | None, seed: int, kept: np.ndarray) -> Audited:
    """Put databases one after the other, without the records that an encoder could not take."""
    shared = [c for c in cohorts[0].classes if all(c in other.classes for other in cohorts)]
    if not shared:
        raise OptionError(
            "the databases share no class: "
            + "; ".join(f"{c.database} has {', '.join(c.classes[:6])}" for c in cohorts)
            + ". Choose tasks with the same classes."
        )
    if not kept.any():
        raise OptionError("no record could be embedded by all models; at least some are needed.")
    parts: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    start = 0
    for cohort in cohorts:
        division = divide(cohort, folds if any(cohort.folds) else None, seed=seed)
        for part, rows in parts.items():
            rows += [start + int(k) for k in getattr(division, part)]
        start += len(cohort)
    place = np.cumsum(kept) - 1
    several = len(cohorts) > 1
    labels = [
        np.nan_to_num(c.targets[:, [c.classes.index(name) for name in shared]]) for c in cohorts
    ]
    patients = [f"{c.database} {p}" if several else p for c in cohorts for p in c.patients]
    sites = [c.database for c in cohorts for _ in range(len(c))] if several else []
    return Audited(
        database=" and ".join(c.database for c in cohorts),
        classes=tuple(shared),
        labels=np.concatenate(labels)[kept] > 0,
        patients=tuple(p for p, keep in zip(patients, kept, strict=True) if keep),
        sites=tuple(s for s, keep in zip(sites, kept, strict=True) if keep) if several else (),
        **{
            part: np.array([place[k] for k in rows if kept[k]], int) for part, rows in parts.items()
        },
    )
