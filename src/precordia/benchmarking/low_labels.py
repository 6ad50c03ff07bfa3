# SPDX-License-Identifier: Apache-2.0
"""A few labelled patients out of many, with every class among them where it can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError
from precordia.core.record import Remark


def read_share(text: str | float) -> float:
    """Read a share of labels.

    Examples
    --------
    >>> read_share("10%"), read_share(0.01), read_share("1 %")
    (0.1, 0.01, 0.01)
    """
    said = str(text).strip()
    try:
        share = float(said.removesuffix("%")) / (100 if said.endswith("%") else 1)
    except ValueError:
        share = np.nan
    if not 0 < share <= 1:
        raise OptionError(f"labels is '{text}'; a share such as 1%, 10% or 100% is needed.")
    return share


def choose_labelled(
    targets: Float[np.ndarray, "batch statement"],
    patients: Sequence[str],
    share: float,
    *,
    seed: int = 0,
) -> tuple[Int[np.ndarray, " _"], tuple[Remark, ...]]:
    """Choose patients whose labels may be used, like all of them in how often each class comes.

    Parameters
    ----------
    targets
        Of the training records.
    patients
        Of each record; a patient is taken with all records or not at all.
    share
        Share of patients; at least one is taken.
    seed
        Of the draw.

    Returns
    -------
    Rows, ascending, and remarks: which classes have no positive record among them.

    Notes
    -----
    *Method*: iterative stratification, patients in place of records: the class that is hardest to
    fill is served first, in a seeded order, until it has its share; the rest is drawn at random.
    *Departure*: before that, each class gets one positive, the rarest first, as far as patients
    suffice; a class that nobody shows cannot be learnt, and its score would be a coin's.

    References
    ----------
    Sechidis K et al. ECML PKDD 2011, LNCS 6913:145. doi:10.1007/978-3-642-23808-6_10

    Examples
    --------
    >>> truth = np.zeros((100, 2))
    >>> truth[:50, 0], truth[7, 1] = 1, 1
    >>> rows, remarks = choose_labelled(truth, [str(k) for k in range(100)], 0.1, seed=3)
    >>> len(rows), truth[rows].sum(axis=0).tolist(), remarks
    (10, [5.0, 1.0], ())
    """
    targets = np.asarray(targets, float)
    names = sorted(set(patients))
    if share >= 1:
        return np.arange(len(targets)), ()
    number = {name: k for k, name in enumerate(names)}
    owner = np.array([number[p] for p in patients], int)
    holds = np.zeros((len(names), targets.shape[1]))
    np.add.at(holds, owner, targets == 1)
    n_wanted = max(1, round(share * len(names)))
    order = np.random.default_rng(seed).permutation(len(names))
    taken = np.zeros(len(names), bool)
    n_positive = holds.sum(axis=0)
    rarest_first = np.argsort(n_positive, kind="stable")
    for k in rarest_first:
        if n_positive[k] and not holds[taken, k].any() and taken.sum() < n_wanted:
            taken[next(p for p in order if holds[p, k] and not taken[p])] = True
    wanted = share * n_positive - holds[taken].sum(axis=0)
    # a class is served until no whole record is missing from its share
    while taken.sum() < n_wanted:
        free = order[~taken[order]]
        left = holds[free].sum(axis=0)
        needy = np.flatnonzero((wanted >= 0.5) & (left > 0))
        if not needy.size:
            break
        k = needy[np.argmin(left[needy])]
        patient = next(p for p in free if holds[p, k])
        taken[patient] = True
        wanted -= holds[patient]
    # nobody of those with a class that has its share already, as long as there are others
    rest = [p for p in order if not taken[p]]
    rest.sort(key=lambda p: float(np.maximum(holds[p] - np.maximum(wanted, 0), 0).sum()))
    taken[rest[: n_wanted - int(taken.sum())]] = True
    rows = np.flatnonzero(taken[owner])
    without = np.flatnonzero((n_positive > 0) & ~(targets[rows] == 1).any(axis=0))
    remarks = ()
    if without.size:
        text = (
            f"{n_wanted} patients are {share:.3g} of all and hold no positive record of "
            f"{without.size} classes: columns {', '.join(map(str, without))}."
        )
        remarks = (Remark(code="class-without-labels", text=text),)
    return rows, remarks
