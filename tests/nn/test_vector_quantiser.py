# SPDX-License-Identifier: Apache-2.0
"""Codebooks: nearest codes, running means, idle codes, gradients; choices of groups."""

from __future__ import annotations

import numpy as np
import torch
from scipy.cluster.vq import kmeans2

from precordia.nn.vector_quantiser import GumbelQuantiser, VectorQuantiser, k_means, nearest


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clusters(n: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    centres = torch.tensor([[0.0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]])
    which = torch.arange(n) % 4
    return centres[which] + 0.3 * torch.randn(n, 3, generator=seeded()), which


def test_the_nearest_code_is_found_as_by_hand():
    rows, book = torch.randn(50, 4, generator=seeded()), torch.randn(9, 4, generator=seeded(1))
    by_hand = [int(np.argmin(((r - book) ** 2).sum(1).numpy())) for r in rows]
    assert nearest(rows, book).tolist() == by_hand


def test_k_means_agrees_with_scipy_from_the_same_beginning():
    rows, _ = clusters()
    order = torch.rand(len(rows), generator=seeded(5)).argsort()[:4]
    theirs, _ = kmeans2(rows.numpy(), rows[order].numpy(), iter=10, minit="matrix")
    ours = k_means(rows, 4, generator=seeded(5))
    torch.testing.assert_close(ours, torch.from_numpy(theirs), atol=1e-4, rtol=1e-4)


def test_fewer_vectors_than_codes_will_do():
    assert k_means(torch.ones(2, 3), 5, generator=seeded()).shape == (5, 3)


def test_codes_follow_as_running_means():
    quantise = VectorQuantiser(3, 2, decay=0.9, least=0.0)
    book = torch.tensor([[0.0, 0, 0], [10, 10, 10]])
    quantise.book.copy_(book)
    quantise.total.copy_(2 * book)
    quantise.count.fill_(2.0)
    quantise.begun.fill_(True)
    rows = torch.tensor([[1.0, 0, 0], [3, 0, 0], [12, 10, 10]])
    found = quantise(rows, seeded())
    assert found.codes.tolist() == [0, 0, 1]
    # code 0: sum 0.9 * 0 + 0.1 * 4, count 0.9 * 2 + 0.1 * 2; code 1 likewise with one row
    torch.testing.assert_close(quantise.book[0], torch.tensor([0.4 / 2.0, 0, 0]))
    expected = torch.tensor([(18 + 1.2) / 1.9, (18 + 1.0) / 1.9, (18 + 1.0) / 1.9])
    torch.testing.assert_close(quantise.book[1], expected)
    distance = (1 + 9 + 4) / 9
    torch.testing.assert_close(found.commitment, torch.tensor(distance))


def test_values_are_codes_and_gradients_go_past_them():
    quantise = VectorQuantiser(3, 4).train()
    rows = clusters()[0].requires_grad_()
    quantise(rows, seeded())
    quantise.eval()
    found = quantise(rows)
    torch.testing.assert_close(found.values, quantise.book[found.codes])
    (found.values * torch.arange(3.0)).sum().backward()
    torch.testing.assert_close(rows.grad, torch.arange(3.0).expand_as(rows))
    rows.grad = None
    found = quantise(rows)
    found.commitment.backward()
    pull = 2 * (rows.detach() - quantise.book[found.codes]) / rows.numel()
    torch.testing.assert_close(rows.grad, pull)


def test_the_first_batch_sets_the_codes_and_groups_have_codes_of_their_own():
    rows, which = clusters()
    found = VectorQuantiser(3, 8)(rows, seeded())
    for code in found.codes.unique():
        assert len(which[found.codes == code].unique()) == 1


def test_idle_codes_come_back():
    quantise = VectorQuantiser(3, 4, decay=0.5, least=0.05)
    quantise.book.copy_(torch.tensor([[0.0, 0, 0], [500, 0, 0], [500, 1, 0], [500, 2, 0]]))
    quantise.total.copy_(quantise.book)
    quantise.count.fill_(1.0)
    quantise.begun.fill_(True)
    rows, _ = clusters()
    for step in range(30):
        quantise(rows, seeded(step))
    assert len(quantise.eval()(rows).codes.unique()) >= 3
    assert quantise.book.max() < 20


def test_evaluation_changes_nothing():
    quantise = VectorQuantiser(3, 4)
    rows, _ = clusters()
    quantise(rows, seeded())
    before = {k: v.clone() for k, v in quantise.state_dict().items()}
    quantise.eval()(rows + 5)
    for name, value in quantise.state_dict().items():
        assert torch.equal(before[name], value)


def test_codes_of_unit_length_stay_so():
    quantise = VectorQuantiser(3, 4, unit=True)
    rows, _ = clusters()
    found = quantise(rows + 1, seeded())
    torch.testing.assert_close(quantise.book.norm(dim=1), torch.ones(4))
    torch.testing.assert_close(found.values.norm(dim=1), torch.ones(200))


def test_vectors_that_do_not_count_move_no_code():
    rows, _ = clusters()
    valid = torch.arange(200) < 100
    strange = torch.where(valid[:, None], rows, 1e4)
    one, other = VectorQuantiser(3, 4), VectorQuantiser(3, 4)
    a, b = one(rows[:100], seeded()), other(strange, seeded(), valid)
    torch.testing.assert_close(one.book, other.book)
    torch.testing.assert_close(a.commitment, b.commitment)


def test_a_choice_is_an_entry_of_each_group():
    choose = GumbelQuantiser(5, 6, groups=2, n_codes=7)
    tokens = torch.randn(2, 4, 5, generator=seeded())
    for mode in (True, False):
        found = choose.train(mode)(tokens, temperature=0.5)
        for row in range(2):
            for token in range(4):
                by_hand = [choose.entries[g, found.codes[row, token, g]] for g in range(2)]
                torch.testing.assert_close(found.values[row, token], torch.cat(by_hand))
        torch.testing.assert_close(found.likelihood.sum(-1), torch.ones(2, 4, 2))


def test_the_noise_is_gumbels():
    choose = GumbelQuantiser(1, 2, groups=1, n_codes=3)
    with torch.no_grad():
        choose.score.weight.zero_()
        choose.score.bias.copy_(torch.tensor([0.0, 1.0, 2.0]))
    chance = torch.rand(1, 20_000, 1, 3, generator=seeded())
    codes = choose(torch.zeros(1, 20_000, 1), chance=chance).codes.flatten()
    share = torch.bincount(codes, minlength=3) / 20_000
    torch.testing.assert_close(share, choose.score.bias.softmax(0).detach(), atol=0.012, rtol=0)


def test_the_gradient_is_that_of_the_softmax():
    choose = GumbelQuantiser(5, 6, groups=2, n_codes=7)
    tokens = torch.randn(2, 4, 5, generator=seeded(), requires_grad=True)
    choose(
        tokens, temperature=0.5, chance=torch.rand(2, 4, 2, 7, generator=seeded())
    ).values.sum().backward()
    grad = tokens.grad.clone()
    assert grad.abs().max() > 0
    tokens.grad = None
    score = choose.score(tokens).unflatten(-1, (2, 7))
    noise = -torch.log(-torch.log(torch.rand(score.shape, generator=seeded())))
    soft = ((score + noise) / 0.5).softmax(-1)
    torch.einsum("btgc,gcd->btgd", soft, choose.entries).sum().backward()
    torch.testing.assert_close(grad, tokens.grad, atol=1e-5, rtol=1e-4)
