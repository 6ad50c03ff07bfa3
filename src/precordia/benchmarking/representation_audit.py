# SPDX-License-Identifier: Apache-2.0
"""Look at embeddings beyond one accuracy: rank, neighbours, few labels, what a head rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.classification_metrics import auroc
from precordia.benchmarking.embedding_geometry import (
    linear_cka,
    nearest,
    neighbour_shares,
    silhouettes,
)
from precordia.benchmarking.linear_shap import dimensions_for, gini, importance, shared_top
from precordia.benchmarking.low_labels import choose_labelled
from precordia.core.errors import OptionError
from precordia.core.scores import Score, Scores
from precordia.core.source import Source
from precordia.training.effective_rank import effective_rank

RANDOM = "random embedding"
#: share of the importance that is called most of it
MOST = 0.9
#: classes with fewer positives on one side are not scored
ENOUGH = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Audited:
    """Records whose embeddings are looked at.

    Attributes
    ----------
    database
        Where they are from, for the table.
    classes
        Names of the columns of `labels`.
    labels
        Which record has which class.
    patients
        Patient of each record.
    train, validation, test
        Rows of the three parts, which share no patient.
    sites
        Hospital, device or database of each record; one place for all by default.
    """

    database: str
    classes: tuple[str, ...]
    labels: Bool[np.ndarray, "batch statement"]
    patients: tuple[str, ...]
    train: Int[np.ndarray, " _"]
    validation: Int[np.ndarray, " _"]
    test: Int[np.ndarray, " _"]
    sites: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parts = [
            {self.patients[k] for k in rows} for rows in (self.train, self.validation, self.test)
        ]
        if (parts[0] & parts[1]) or (parts[0] & parts[2]) or (parts[1] & parts[2]):
            raise OptionError("a patient is in two parts; each patient must be in one only.")


def audit_representation(
    embeddings: Mapping[str, Float[np.ndarray, "batch dim"]],
    records: Audited,
    *,
    shares: Sequence[float] = (0.01, 0.1, 1.0),
    n_neighbours: int = 10,
    draws: int = 200,
    seed: int = 0,
) -> Scores:
    """Describe how encoders see the same records, beside an embedding without any order.

    Parameters
    ----------
    embeddings
        One row a record, for each encoder by name. Add the encoder with random weights as a
        control of your own; random numbers of the same dimension are added here.
    records
        Labels, patients and parts.
    shares
        Shares of the training patients whose labels the linear head may use.
    n_neighbours
        For the purity of neighbourhoods.
    draws
        Of patients, for the intervals.
    seed
        Of random numbers, draws and label subsets.

    Returns
    -------
    For each encoder: effective rank; for each class with enough records: purity of neighbourhoods
    (chance beside it), silhouette, area under the ROC curve of a linear head at each share of
    labels, and on how many dimensions that head rests; for each pair of encoders their likeness
    (CKA); and where records come from several sites, how well a linear head tells the sites apart
    and whether heads of two sites rest on the same dimensions.

    Raises
    ------
    OptionError
        If an encoder lacks a record or has values that are not finite.

    Notes
    -----
    *Method.* After Looking Beyond Accuracy: performance at several shares of labels, Shapley values
    over the dimensions of the embedding, and the geometry of the embedding. *Departures.* Shapley
    values are those of the linear head in closed form, so that none are estimated. The map in two
    dimensions is a function apart (`picture_embeddings`), and separation is measured in the
    embedding, not in the map. Everything but the heads is computed on the test part.

    References
    ----------
    Looking Beyond Accuracy. arXiv:2601.21830

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> has = rng.random((300, 1)) < 0.4
    >>> rows = np.arange(300)
    >>> scores = audit_representation(
    ...     {"told": has + 0.1 * rng.standard_normal((300, 8))},
    ...     Audited(
    ...         database="made up", classes=("AFIB",), labels=has, patients=tuple(map(str, rows)),
    ...         train=rows[:150], validation=rows[150:200], test=rows[200:],
    ...     ),
    ...     shares=(1.0,),
    ...     draws=50,
    ... )
    >>> round(next(s.value for s in scores if s.metric == "auroc, 100 % of labels"), 2)
    1.0
    """
    views = _checked(embeddings, records)
    widest = max(view.shape[1] for view in views.values())
    rng = np.random.default_rng(seed)
    views[RANDOM] = rng.standard_normal((len(records.labels), widest))
    weights = draw_patients([records.patients[k] for k in records.test], draws=draws, seed=seed)
    judge = _Judge(records, weights, n_neighbours, seed)
    scores: list[Score] = []
    for name, view in views.items():
        scores += judge.geometry(name, view)
        scores += judge.heads(name, view, shares)
        scores += judge.sites(name, view)
    scores += judge.likeness(views)
    return Scores(
        task="representation",
        scores=tuple(scores),
        notes=(
            f"{len(records.test)} test records, intervals by drawing patients {draws} times; heads "
            f"learn from {len(records.train)} records and are chosen on {len(records.validation)}.",
            f"'{RANDOM}' is the control: random numbers in {widest} dimensions.",
            f"Classes with fewer than {ENOUGH} test records are left out.",
        ),
        source=Source(method="audit-representation", version="1", parameters={"seed": seed}),
    )


def group_of(records: Audited) -> list[str]:
    """Return one word for each record: its site where there are several, else its classes."""
    if records.sites:
        return list(records.sites)
    return [
        " + ".join(name for name, has in zip(records.classes, row, strict=True) if has) or "none"
        for row in records.labels
    ]


class _Judge:
    """Turns one encoder into scores."""

    def __init__(self, records: Audited, weights: np.ndarray, n_neighbours: int, seed: int) -> None:
        self.records, self.weights, self.seed = records, weights, seed
        self.n_neighbours = n_neighbours
        self.labels = records.labels[records.test]
        positives = self.labels.sum(axis=0)
        self.scored = [
            k
            for k in range(len(records.classes))
            if min(positives[k], len(self.labels) - positives[k]) >= ENOUGH
        ]

    def geometry(self, name: str, view: np.ndarray) -> Iterator[Score]:
        """Yield rank, purity and silhouette of the test part."""
        test, records = view[self.records.test], self.records
        ranks = [effective_rank(np.repeat(test, w, axis=0)) for w in self.weights[:50]]
        low, high = np.quantile(ranks, [0.025, 0.975])
        # a draw has fewer different records, so the interval is moved to lie about the figure
        whole = effective_rank(test)
        shift = whole - float(np.median(ranks))
        yield self._score(name, "embedding", "effective rank", whole, low + shift, high + shift)
        who = [records.patients[k] for k in records.test]
        shares = neighbour_shares(nearest(test, who, n_neighbours=self.n_neighbours), self.labels)
        standard = (test - test.mean(axis=0)) / np.maximum(test.std(axis=0), 1e-12)
        for k in self.scored:
            has = self.labels[:, k]
            yield self._mean(name, k, "neighbour purity", shares[:, k], has)
            yield self._score(name, records.classes[k], "purity by chance", has.mean())
            apart = silhouettes(standard, has)
            yield self._mean(name, k, "silhouette", apart, np.ones(len(has), bool))

    def heads(self, name: str, view: np.ndarray, shares: Sequence[float]) -> Iterator[Score]:
        """Yield the area of a linear head at each share of labels, and what it rests on."""
        records = self.records
        for share in shares:
            rows = records.train
            if share < 1:
                patients = [records.patients[k] for k in rows]
                known = records.labels[rows].astype(float)
                rows = rows[choose_labelled(known, patients, share, seed=self.seed)[0]]
            logits, weight = self._head(view, records.labels.astype(float), rows)
            for k in self.scored:
                yield self._area(name, k, f"auroc, {100 * share:g} % of labels", logits[:, k])
            if share == max(shares):
                rests = importance(view[records.test], weight)
                for k in self.scored:
                    most = dimensions_for(MOST, rests[k]) / view.shape[1]
                    yield self._score(
                        name, records.classes[k], "dimensions for 90 % of importance", most
                    )
                    yield self._score(
                        name, records.classes[k], "gini of importance", gini(rests[k])
                    )

    def sites(self, name: str, view: np.ndarray) -> Iterator[Score]:
        """Yield how well sites are told apart, and whether their heads agree."""
        records = self.records
        if not records.sites:
            return
        at = np.asarray(records.sites)
        places = [
            p
            for p in sorted(set(records.sites))
            if min((at[records.test] == p).sum(), (at[records.test] != p).sum()) >= ENOUGH
        ]
        if len(places) < 2:
            return
        is_there = np.column_stack([at == p for p in places]).astype(float)
        logits, _ = self._head(view, is_there, records.train)
        for k, place in enumerate(places):
            truth = is_there[records.test, k] > 0
            yield self._area(name, place, "auroc of the site", logits[:, k], truth)
        tops = {}
        for place in places:
            rows = records.train[at[records.train] == place]
            _, weight = self._head(view, records.labels.astype(float), rows)
            tops[place] = importance(view[rows], weight)
        n_top = max(1, view.shape[1] // 10)
        for i, one in enumerate(places):
            for other in places[i + 1 :]:
                for k in self.scored:
                    yield self._score(
                        name,
                        f"{records.classes[k]}, {one} and {other}",
                        "overlap of the top tenth of dimensions",
                        shared_top(tops[one][k], tops[other][k], n_top=n_top),
                    )

    def likeness(self, views: Mapping[str, np.ndarray]) -> Iterator[Score]:
        """Yield how alike each pair of encoders sees the test part."""
        names, test = list(views), self.records.test
        for i, one in enumerate(names):
            for other in names[i + 1 :]:
                value = linear_cka(views[one][test], views[other][test])
                yield self._score(f"{one} and {other}", "embedding", "linear CKA", value)

    def _head(
        self, view: np.ndarray, labels: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return test logits and the weights of a head that validation chose."""
        from precordia.training.linear_probe import fit_linear_probe, probe_logits

        probe = fit_linear_probe(
            view[rows],
            labels[rows],
            valid_embeddings=view[self.records.validation],
            valid_labels=labels[self.records.validation],
        )
        return probe_logits(probe, view[self.records.test]), probe.weight

    def _area(
        self,
        name: str,
        subject: int | str,
        metric: str,
        logits: np.ndarray,
        truth: np.ndarray | None = None,
    ) -> Score:
        named = self.records.classes[subject] if isinstance(subject, int) else subject
        has = self.labels[:, subject] if isinstance(subject, int) else truth
        assert has is not None
        columns = has[:, None].astype(float), logits[:, None]
        low, high = interval(lambda w: auroc(*columns, weights=w)[:, 0], self.weights)
        return self._score(name, named, metric, auroc(*columns)[0], low, high)

    def _mean(self, name: str, k: int, metric: str, values: np.ndarray, of: np.ndarray) -> Score:
        known = np.where(of, np.nan_to_num(values), 0.0)
        with np.errstate(invalid="ignore"):
            low, high = interval(lambda w: (w @ known) / (w @ of), self.weights)
        mean = float(values[of].mean())
        return self._score(name, self.records.classes[k], metric, mean, low, high)

    def _score(
        self,
        name: str,
        subject: str,
        metric: str,
        value: float,
        low: float = float("nan"),
        high: float = float("nan"),
    ) -> Score:
        test = self.records.test
        return Score(
            task="representation",
            database=self.records.database,
            method=name,
            subject=subject,
            metric=metric,
            value=float(value),
            low=float(low),
            high=float(high),
            n_records=len(test),
            n_patients=len({self.records.patients[k] for k in test}),
        )


def _checked(
    embeddings: Mapping[str, np.ndarray], records: Audited
) -> dict[str, Float[np.ndarray, "batch dim"]]:
    views = {}
    for name, given in embeddings.items():
        view = np.asarray(given, np.float64)
        if view.ndim != 2 or len(view) != len(records.labels):
            raise OptionError(
                f"'{name}' has shape {view.shape} for {len(records.labels)} records; one row each "
                "is needed."
            )
        if not np.isfinite(view).all():
            raise OptionError(f"embeddings of '{name}' are not all finite; leave these out.")
        views[name] = view
    if not views:
        raise OptionError("no embeddings arrived; those of at least one encoder are needed.")
    return views
