# SPDX-License-Identifier: Apache-2.0
"""Contrastive losses equal sums that are written out term by term."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.training.contrast import info_nce, nt_xent, of_same


def _vectors(n: int, seed: int, dim: int = 5) -> torch.Tensor:
    made = torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return made.requires_grad_()


def _cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return (a @ b / (a.norm() * b.norm())).item()


def _by_hand(anchors, others, share, *, t, form, counted, weights, anchor_weights) -> float:
    total, mass = 0.0, 0.0
    for i, anchor in enumerate(anchors):
        wanted = [j for j in range(len(others)) if share[i][j] > 0]
        if not wanted:
            continue
        e = [math.exp(_cosine(anchor, other) / t) for other in others]
        strangers = sum(
            weights[i][j] * e[j] for j in range(len(others)) if counted[i][j] and j not in wanted
        )
        known = sum(e[j] for j in wanted)
        sums = sum(share[i][j] for j in wanted)
        if form == "out":
            loss = sum(-share[i][j] / sums * math.log(e[j] / (known + strangers)) for j in wanted)
        elif form == "in":
            loss = -math.log(sum(share[i][j] / sums * e[j] for j in wanted) / (known + strangers))
        else:
            loss = sum(-share[i][j] / sums * math.log(e[j] / (e[j] + strangers)) for j in wanted)
        total += anchor_weights[i] * loss
        mass += anchor_weights[i]
    return total / mass


@pytest.mark.parametrize("form", ["out", "in", "alone"])
def test_every_form_equals_the_sum_written_out(form):
    generator = torch.Generator().manual_seed(3)
    anchors, others = _vectors(6, 0), _vectors(7, 1)
    share = (torch.rand(6, 7, generator=generator) > 0.6).double()
    share[2] = 0  # an anchor without a positive does not count
    share[4] = torch.tensor([0.2, 0.5, 0, 0, 0.1, 0, 0])
    counted = torch.rand(6, 7, generator=generator) > 0.3
    weights = torch.rand(6, 7, generator=generator, dtype=torch.float64) + 0.1
    anchor_weights = torch.rand(6, generator=generator, dtype=torch.float64)
    given = info_nce(
        anchors, others, share, temperature=0.3, form=form,
        counted=counted, weights=weights, anchor_weights=anchor_weights,
    )  # fmt: skip
    expected = _by_hand(
        anchors.detach(), others.detach(), share.tolist(), t=0.3, form=form,
        counted=counted.tolist(), weights=weights.tolist(), anchor_weights=anchor_weights.tolist(),
    )  # fmt: skip
    assert given.item() == pytest.approx(expected, rel=1e-9)
    given.backward()
    assert torch.isfinite(anchors.grad).all()
    assert (anchors.grad[2] == 0).all()


def test_one_positive_each_is_the_cross_entropy():
    anchors, others = _vectors(8, 0), _vectors(8, 1)
    logits = functional.normalize(anchors, dim=1) @ functional.normalize(others, dim=1).T / 0.07
    rows, target = functional.cross_entropy, torch.arange(8)
    given = info_nce(anchors, others, torch.eye(8), temperature=0.07, symmetric=True)
    expected = (rows(logits, target) + rows(logits.T, target)) / 2
    assert given.item() == pytest.approx(expected.item(), rel=1e-9)


def test_products_without_lengths_taken_out_are_possible():
    anchors, others = _vectors(4, 0), _vectors(4, 1)
    given = info_nce(anchors, others, torch.eye(4), temperature=1.0, cosine=False)
    expected = functional.cross_entropy(anchors @ others.T, torch.arange(4))
    assert given.item() == pytest.approx(expected.item(), rel=1e-9)


def test_nothing_to_find_is_no_loss_and_no_gradient():
    anchors = _vectors(4, 0)
    loss = info_nce(anchors, anchors, torch.zeros(4, 4))
    loss.backward()
    assert loss.item() == 0
    assert (anchors.grad == 0).all()


def test_nt_xent_equals_the_double_loop():
    views = torch.stack([_vectors(5, 0), _vectors(5, 1)])
    flat = [(v, i) for v in range(2) for i in range(5)]
    total = 0.0
    for v, i in flat:
        e = {
            (w, j): math.exp(_cosine(views[v, i], views[w, j]) / 0.2)
            for w, j in flat
            if (w, j) != (v, i)
        }
        total -= math.log(e[(1 - v, i)] / sum(e.values()))
    assert nt_xent(views, temperature=0.2).item() == pytest.approx(total / 10, rel=1e-9)


def test_views_of_one_patient_are_not_pushed_apart():
    views = torch.stack([_vectors(4, 0), _vectors(4, 1)])
    patients = torch.tensor([1, 1, 2, 3])
    with_twin = nt_xent(views, patients, temperature=0.2)
    slope = torch.autograd.grad(with_twin, views, retain_graph=True)[0]
    # Without the twin's negatives, the loss of windows 0 and 1 is that of a batch without the other
    alone = nt_xent(views[:, [0, 2, 3]], temperature=0.2) * 6
    others = nt_xent(views[:, [1, 2, 3]], temperature=0.2) * 6
    assert torch.isfinite(slope).all()
    first = _share_of(views, [0, 2, 3], 0)
    second = _share_of(views, [1, 2, 3], 0)
    rest = _share_of(views, [0, 1, 2, 3], 2) + _share_of(views, [0, 1, 2, 3], 3)
    assert with_twin.item() == pytest.approx((first + second + rest) / 8, rel=1e-9)
    assert with_twin.item() < (alone + others).item()


def _share_of(views: torch.Tensor, rows: list[int], window: int) -> float:
    """Loss of both views of one window among some windows, term by term."""
    window = rows[window] if len(rows) < 4 else window
    total = 0.0
    for v in range(2):
        e = {
            (w, j): math.exp(_cosine(views[v, window], views[w, j]) / 0.2)
            for w in range(2)
            for j in rows
            if (w, j) != (v, window)
        }
        total -= math.log(e[(1 - v, window)] / sum(e.values()))
    return total


def test_collapse_has_the_loss_of_guessing():
    assert float(nt_xent(torch.ones(2, 8, 4), temperature=0.1)) == pytest.approx(math.log(15))


def test_levels_are_taken_one_by_one():
    levels = torch.stack([_vectors(4, 0), _vectors(4, 1), _vectors(4, 2)])
    positive = of_same(torch.tensor([0, 0, 1, 1])) & ~torch.eye(4, dtype=torch.bool)
    together = info_nce(levels, levels, positive)
    one_by_one = [info_nce(level, level, positive).item() for level in levels]
    assert together.item() == pytest.approx(sum(one_by_one) / 3, rel=1e-9)


@pytest.mark.parametrize(
    ("option", "said"), [({"temperature": 0.0}, "above 0"), ({"form": "sum"}, "out, in, alone")]
)
def test_a_wrong_option_is_refused_with_a_sentence(option, said):
    with pytest.raises(OptionError, match=said):
        info_nce(torch.eye(3), torch.eye(3), torch.eye(3), **option)
