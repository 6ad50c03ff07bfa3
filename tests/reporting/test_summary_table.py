# SPDX-License-Identifier: Apache-2.0
"""A summary of earlier runs is kept; what is none is not written over."""

import pytest

from precordia.core.errors import OutputError
from precordia.reporting.summary_table import TABLE, earlier_rows


def test_a_table_or_file_of_the_user_is_not_taken_for_a_summary(tmp_path):
    assert earlier_rows(tmp_path) == []
    (tmp_path / TABLE).write_text("patient,comment\n1,mine\n")
    with pytest.raises(OutputError, match="no summary of an earlier run"):
        earlier_rows(tmp_path)
    with pytest.raises(OutputError, match="is a file"):
        earlier_rows(tmp_path / TABLE)
