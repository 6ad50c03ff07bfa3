# SPDX-License-Identifier: Apache-2.0
"""The challenges' scores follow the organisers' published definition."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from precordia.benchmarking.challenge_metric import (
    SINUS_RHYTHM,
    challenge_score,
    f1_2017,
    read_challenge_weights,
)
from precordia.core.errors import FormatError, OptionError


@pytest.fixture(params=["eval2020", "eval2021"])
def table(request, shared_data):
    return read_challenge_weights(shared_data / "cinc2021" / request.param / "weights.csv")


def _as_defined(truth, called, table):
    """The definition of the papers, record by record and class by class."""

    def confusion(decisions):
        matrix = np.zeros((len(table.classes),) * 2)
        for so, said in zip(truth, decisions, strict=True):
            either = max(float(np.logical_or(so, said).sum()), 1.0)
            for j in np.flatnonzero(so):
                for k in np.flatnonzero(said):
                    matrix[j, k] += 1.0 / either
        return np.nansum(table.weights * matrix)

    idle = np.zeros_like(truth)
    idle[:, table.classes.index(SINUS_RHYTHM)] = True
    least = confusion(idle)
    return (confusion(called) - least) / (confusion(truth) - least)


def test_score_is_the_organisers_definition(table):
    rng = np.random.default_rng(0)
    truth = rng.random((80, len(table.classes))) < 0.1
    for share in (0.05, 0.3, 0.9):
        called = rng.random(truth.shape) < share
        assert challenge_score(truth, called, table) == pytest.approx(
            _as_defined(truth, called, table)
        )


def test_truth_scores_one_and_sinus_rhythm_for_everybody_zero(table):
    rng = np.random.default_rng(1)
    truth = rng.random((50, len(table.classes))) < 0.2
    idle = np.zeros_like(truth)
    idle[:, table.column_of(SINUS_RHYTHM)] = True
    assert challenge_score(truth, truth, table) == pytest.approx(1)
    assert challenge_score(truth, idle, table) == pytest.approx(0)


def test_weighted_draws_are_repeated_records(table):
    rng = np.random.default_rng(2)
    truth, called = (rng.random((30, len(table.classes))) < 0.2 for _ in range(2))
    weights = rng.integers(0, 4, (3, 30))
    found = challenge_score(truth, called, table, weights=weights)
    for score, times in zip(found, weights, strict=True):
        rows = np.repeat(np.arange(30), times)
        assert score == pytest.approx(challenge_score(truth[rows], called[rows], table))


def test_concepts_that_are_scored_as_one_share_a_column(shared_data):
    table = read_challenge_weights(shared_data / "cinc2021" / "eval2021" / "weights.csv")
    assert len(table.classes) == 26
    assert table.column_of("713427006") == table.column_of("59118001")
    assert table.column_of("1") is None


def test_score_of_2017_is_the_mean_f1_of_three_classes_although_noise_confuses():
    rng = np.random.default_rng(3)
    truth, called = (rng.choice(list("NAO~"), 200) for _ in range(2))
    expected = f1_score(truth, called, labels=["N", "A", "O"], average="macro")
    assert f1_2017(truth, called) == pytest.approx(expected)


def test_a_damaged_table_is_refused(tmp_path):
    path = tmp_path / "weights.csv"
    path.write_text(",a,b\na,1,0\n")
    with pytest.raises(FormatError, match="square table"):
        read_challenge_weights(path)
    path.write_text(",a\na,word\n")
    with pytest.raises(FormatError, match="organisers"):
        read_challenge_weights(path)
    path.write_text(",a\na,1\n")
    truth = np.ones((2, 1), bool)
    with pytest.raises(OptionError, match="sinus rhythm"):
        challenge_score(truth, truth, read_challenge_weights(path))
