# SPDX-License-Identifier: Apache-2.0
"""Masks: every token in one part, shares and lengths as asked, the same for the same generator."""

from __future__ import annotations

import itertools

import pytest
import torch

from precordia.core.errors import OptionError
from precordia.training.masks import hide_blocks, hide_random, hide_spans, places_of, taken


def draw(kind: str, seed: int = 0, n_rows: int = 200, n_tokens: int = 40):
    generator = torch.Generator().manual_seed(seed)
    if kind == "random":
        return hide_random(n_rows, n_tokens, share=0.75, generator=generator)
    if kind == "blocks":
        return hide_blocks(n_rows, n_tokens, n_kept=8, shortest=5, generator=generator)
    return hide_spans(n_rows, n_tokens, share=0.65, span=4, generator=generator)


def runs_of(hidden: list[int]) -> list[int]:
    """Return the lengths of runs of neighbouring numbers, counted one by one."""
    lengths = [1]
    for before, after in itertools.pairwise(hidden):
        if after == before + 1:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return lengths


@pytest.mark.parametrize("kind", ["random", "blocks", "spans"])
def test_every_token_is_in_one_part_and_parts_are_in_order(kind):
    kept, hidden = draw(kind)
    for seen, unseen in zip(kept.tolist(), hidden.tolist(), strict=True):
        assert sorted(seen + unseen) == list(range(40))
        assert seen == sorted(seen)
        assert unseen == sorted(unseen)


@pytest.mark.parametrize("kind", ["random", "blocks", "spans"])
def test_the_generator_alone_decides(kind):
    torch.manual_seed(1)
    first = draw(kind)
    torch.manual_seed(2)
    again = draw(kind)
    assert torch.equal(first.hidden, again.hidden)
    assert not torch.equal(first.hidden[0], draw(kind, seed=3).hidden[0])


def test_every_place_is_hidden_as_often_by_chance():
    share = torch.bincount(draw("random", n_rows=4000).hidden.flatten(), minlength=40) / 4000
    assert (share - 0.75).abs().max() < 0.03


def test_blocks_treat_past_and_future_alike():
    share = torch.bincount(draw("blocks", n_rows=6000).hidden.flatten(), minlength=40) / 6000
    assert (share - share.flip(0)).abs().max() < 0.04
    assert share.min() > 0.1
    assert share.max() < 0.98


def test_no_block_is_shorter_than_asked_and_their_number_varies():
    numbers = set()
    for row in draw("blocks").hidden.tolist():
        lengths = runs_of(row)
        assert sum(lengths) == 32
        assert min(lengths) >= 5
        numbers.add(len(lengths))
    assert {1, 2, 3} <= numbers


def test_the_first_block_is_of_any_length_alike():
    drawn = draw("blocks", n_rows=6000).hidden.tolist()
    alone = sum(len(runs_of(row)) == 1 for row in drawn) / 6000
    # 28 lengths of 5 to 32; those above 27 leave less than a block and take it too: 5 + 1 of 28,
    # and two blocks lie side by side now and then.
    assert 5 / 28 < alone < 0.4


def test_spans_hide_runs_of_at_least_a_span_but_for_what_was_freed():
    places = draw("spans", n_rows=1)
    assert min(runs_of(places.hidden[0].tolist())) >= 4  # one row, so that none is freed
    many = draw("spans", n_rows=500).hidden
    assert 0.25 < many.shape[1] / 40 < 0.65


def test_one_token_cannot_be_hidden_from_itself():
    with pytest.raises(OptionError, match="at least 2"):
        hide_random(3, 1, share=0.5, generator=torch.Generator())


def test_blocks_that_are_longer_than_what_is_hidden_are_cut():
    places = hide_blocks(5, 6, n_kept=4, shortest=50, generator=torch.Generator())
    assert places.hidden.shape == (5, 2)
    assert (places.hidden[:, 1] - places.hidden[:, 0] == 1).all()


def test_taken_tokens_are_those_of_the_places():
    tokens = torch.arange(24.0).reshape(2, 4, 3)
    assert torch.equal(taken(tokens, torch.tensor([[3], [1]])), tokens[[0, 1], [3, 1]][:, None])


def test_marks_become_places():
    places = places_of(torch.tensor([[False, True, True], [True, False, True]]), 2)
    assert places.kept.tolist() == [[0], [1]]
    assert places.hidden.tolist() == [[1, 2], [0, 2]]
