# SPDX-License-Identifier: Apache-2.0
import csv
import gzip
import math

import numpy as np
import pytest

from precordia.core.errors import UnknownNameError
from precordia.knowledge.co_occurrence import count_recordings, found_together, source_of_counts
from precordia.knowledge.codes import list_codes

CODES = [c.code for c in list_codes("scp-ecg")]


@pytest.fixture(scope="module")
def labels(shared_data):
    """Labels of folds 1 to 8, one row a recording, in the order of CODES."""
    rows = []
    for part in ("train", "val", "test"):
        path = shared_data / f"ptbxl_norm/labels_hubert/ptbxl_all_{part}.csv.gz"
        with gzip.open(path, "rt", encoding="utf-8") as file:
            held = list(csv.reader(file))
        fold = held[0].index("strat_fold")
        columns = [held[0].index(code) for code in CODES]
        rows += [[r[k] == "1" for k in columns] for r in held[1:] if float(r[fold]) <= 8]
    return np.array(rows)


def test_counts_are_those_of_folds_1_to_8(labels):
    assert source_of_counts()["n_recordings"] == len(labels) == 17_418
    ones = labels.astype(np.float32)  # whole numbers below 2**24 are exact
    both = (ones.T @ ones).astype(int)
    for i, code in enumerate(CODES):
        assert count_recordings(code) == both[i, i], code
        found = {t.code: t.n for t in found_together(code)}
        assert found == {c: n for c, n in zip(CODES, both[i], strict=True) if n and c != code}


def test_pointwise_mutual_information_is_that_of_the_shares(labels):
    p = labels.mean(axis=0)
    for a, b in (("1AVB", "CRBBB"), ("AFIB", "PVC"), ("IMI", "QWAVE")):
        i, j = CODES.index(a), CODES.index(b)
        joint = (labels[:, i] & labels[:, j]).mean()
        (t,) = [t for t in found_together(a) if t.code == b]
        assert t.ppmi == pytest.approx(max(0.0, math.log2(joint / (p[i] * p[j]))))
        assert t.share == pytest.approx(labels[labels[:, i], j].mean())


def test_what_occurs_together_does_so_both_ways():
    held = {code: {t.code: t.ppmi for t in found_together(code)} for code in CODES}
    for code, others in held.items():
        for other, ppmi in others.items():
            assert held[other][code] == pytest.approx(ppmi)


def test_the_most_telling_come_first():
    values = [t.ppmi for t in found_together("AFIB")]
    assert values == sorted(values, reverse=True)


def test_source_licence_and_folds_are_stated():
    source = source_of_counts()
    assert source["licence"] == "CC BY 4.0"
    assert source["folds"] == list(range(1, 9))
    assert "doi:" in source["reference"]


def test_a_statement_that_ptbxl_lacks_is_refused():
    with pytest.raises(UnknownNameError, match="VTACH"):
        found_together("VTACH")
