# SPDX-License-Identifier: Apache-2.0
from collections import Counter

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestCentroid

from precordia.core.errors import OptionError, SignalError, UnknownNameError
from precordia.language.episodes import (
    CONFLICTING,
    Episode,
    EpisodeRow,
    answer_text,
    divide_rows,
    draw_episodes,
)
from precordia.language.prototype_baseline import answer_episode


def row(template=1, asked="AF", answer="yes", patient="p", recording=0, kind="verify"):
    return EpisodeRow(
        template=template,
        kind=kind,
        asked=asked,
        question=f"{asked}?",
        answer=answer,
        recordings=(recording,),
        patients=(patient,),
    )


@pytest.fixture
def rows():
    """Give ten yes-or-no questions about sixty patients each, and one with ten answers."""
    rng = np.random.default_rng(0)
    verify = [
        row(1, f"q{q}", ("no", "yes")[int(rng.integers(2))], f"p{p}", p)
        for q in range(10)
        for p in range(60)
    ]
    query = [
        row(10, "rhythm", f"rhythm {int(rng.integers(10))}", f"p{p}", p, "query")
        for p in range(200)
    ]
    return [*verify, *query]


def patients_of(some):
    return {p for r in some for p in r.patients}


@pytest.mark.parametrize("seed", range(5))
def test_no_class_and_no_patient_is_on_both_sides(rows, seed):
    division = divide_rows(rows, seed=seed)
    assert division.train
    assert division.test
    assert not patients_of(division.train) & patients_of(division.test)
    assert not {r.of_class for r in division.train} & {r.of_class for r in division.test}


def test_yes_and_no_of_one_question_stay_together_and_answers_of_an_open_one_do_not(rows):
    division = divide_rows(rows)
    asked = [
        {r.asked for r in side if r.kind == "verify"} for side in (division.train, division.test)
    ]
    assert not asked[0] & asked[1]
    assert asked[0]
    assert asked[1]
    assert {r.asked for r in division.train if r.kind == "query"} == {"rhythm"}
    assert {r.asked for r in division.test if r.kind == "query"} == {"rhythm"}


def test_the_division_depends_on_the_seed_and_not_on_the_order(rows):
    assert set(divide_rows(rows).test) == set(divide_rows(rows[::-1]).test)
    assert set(divide_rows(rows).test) != set(divide_rows(rows, seed=1).test)


def test_templates_that_contradict_each_other_are_left_out(rows):
    more = [row(t, "x", "yes", f"p{p}", p) for t in CONFLICTING for p in range(60)]
    for given, expected in ((CONFLICTING, set()), ((), set(CONFLICTING))):
        division = divide_rows([*rows, *more], without=given)
        left = {r.template for r in (*division.train, *division.test)}
        assert left & set(CONFLICTING) == expected


def test_a_row_about_patients_of_both_sides_is_in_neither():
    pairs = [
        EpisodeRow(
            template=68, kind="query", asked="", question="?", answer=f"a{k % 4}",
            recordings=(k, k + 1), patients=(f"p{k}", f"p{k + 1}"),
        )
        for k in range(60)
    ]  # fmt: skip
    division = divide_rows(pairs)
    assert 0 < len(division.train) + len(division.test) < len(pairs)
    assert not patients_of(division.train) & patients_of(division.test)


@pytest.mark.parametrize("design", ["mixed", "contrast"])
def test_an_episode_has_its_classes_and_keeps_patients_apart(rows, design):
    drawn = draw_episodes(rows, 40, n_ways=2, n_shots=3, n_queries=4, design=design)
    assert len(drawn) == 40
    for episode in drawn:
        counts = Counter(r.of_class for r in episode.support)
        assert list(counts.values()) == [3, 3]
        assert Counter(r.of_class for r in episode.query) == dict.fromkeys(counts, 4)
        people = [p for r in (*episode.support, *episode.query) for p in r.patients]
        assert len(people) == len(set(people))
        if design == "contrast":
            assert len({(r.template, r.asked) for r in episode.support}) == 1
    if design == "mixed":
        assert any(len({r.asked for r in e.support}) > 1 for e in drawn)


def test_episodes_are_the_same_for_the_same_seed(rows):
    first, again, other = (draw_episodes(rows, 5, n_ways=2, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_what_cannot_be_drawn_is_refused(rows):
    with pytest.raises(OptionError, match="hold 0 classes"):
        draw_episodes(rows, 1, n_shots=1000)
    with pytest.raises(OptionError, match="contrast"):
        draw_episodes(rows[:100], 1, n_ways=3, design="contrast")
    with pytest.raises(OptionError, match="n_ways"):
        draw_episodes(rows, 1, n_ways=1)
    with pytest.raises(UnknownNameError, match="mixed"):
        draw_episodes(rows, 1, design="mixt")
    with pytest.raises(OptionError, match="train_classes"):
        divide_rows(rows, train_classes=1.0)
    few = [row(1, "a", a, f"p{p}", p) for a in ("yes", "no") for p in range(10)]
    with pytest.raises(OptionError, match="of the same patients"):
        draw_episodes(few, 1, n_ways=2)


def test_answers_become_one_text():
    assert answer_text("verify", ["Yes "]) == "yes"
    assert answer_text("verify", ["yes", "no"]) is None
    assert answer_text("choose", ["AF"]) == "af"
    assert answer_text("choose", []) == "none"
    assert answer_text("query", ["b", "A", "b"]) == "a, b"


def drawn_episode(seed=0, n=6, dim=5):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(4 * n, dim))
    vectors[:n] += 0.5
    support = [
        row(answer=a, patient=f"s{k}", recording=k) for k, a in enumerate(["yes"] * n + ["no"] * n)
    ]
    query = [row(answer="yes", patient=f"q{k}", recording=2 * n + k) for k in range(2 * n)]
    return Episode(support=tuple(support), query=tuple(query)), vectors


@pytest.mark.parametrize("seed", range(3))
def test_prototypes_answer_as_the_nearest_centroid_of_a_library(seed):
    episode, vectors = drawn_episode(seed)
    n = len(episode.support)
    library = NearestCentroid().fit(vectors[:n], [r.answer for r in episode.support])
    assert answer_episode(episode, vectors) == library.predict(vectors[n:]).tolist()


@pytest.mark.parametrize("seed", range(3))
def test_ridge_answers_as_a_library_s(seed):
    episode, vectors = drawn_episode(seed)
    n = len(episode.support)
    spread, mean = vectors[:n].std(axis=0), vectors[:n].mean(axis=0)
    yes = [float(r.answer == "yes") for r in episode.support]
    library = Ridge(alpha=100.0).fit((vectors[:n] - mean) / spread, yes)
    expected = np.where(library.predict((vectors[n:] - mean) / spread) > 0.5, "yes", "no")
    assert answer_episode(episode, vectors, head="ridge") == expected.tolist()


def test_where_every_class_asks_something_else_the_question_alone_tells_all(rows):
    """Published episodes are solved without a recording."""
    one_each = [
        r for r in rows if r.kind == "verify" and r.answer == ("yes", "no")[int(r.asked[1]) % 2]
    ]
    noise = np.random.default_rng(0).normal(size=(200, 3))
    for episode in draw_episodes(one_each, 5, n_ways=5):
        for head in ("question", "prototype", "ridge"):
            said = answer_episode(episode, noise, head=head)
            assert said == [r.answer for r in episode.query]


def test_the_question_alone_knows_nothing_where_all_ask_the_same(rows):
    right = []
    for episode in draw_episodes(rows, 20, n_ways=2, design="contrast"):
        said = answer_episode(episode, np.zeros((200, 2)), head="question")
        right += [s == r.answer for s, r in zip(said, episode.query, strict=True)]
    assert np.mean(right) == 0.5


def test_a_recording_without_a_vector_is_refused():
    episode, vectors = drawn_episode()
    with pytest.raises(SignalError, match="vectors arrived"):
        answer_episode(episode, vectors[:3])
    with pytest.raises(SignalError, match="finite"):
        answer_episode(episode, vectors * np.nan)
    with pytest.raises(UnknownNameError):
        answer_episode(episode, vectors, head="ridg")
    with pytest.raises(OptionError):
        answer_episode(Episode(support=(), query=episode.query), vectors)
