# SPDX-License-Identifier: Apache-2.0
"""Read a WFDB record of 12 x 5000 samples: against wfdb, and against reading the bytes alone."""

import wfdb

from precordia.benchmarking.speed import read_raw
from precordia.benchmarking.timing import best_seconds
from precordia.io.read import read


def compare(headers, smoke):
    names = [str(header.with_suffix("")) for header in headers]
    ours, peer, floor = best_seconds(
        [
            lambda: [read(header) for header in headers],
            lambda: [wfdb.rdrecord(name) for name in names],
            lambda: [read_raw(header) for header in headers],
        ],
        rounds=1 if smoke else 5,
    )
    n, subject = len(headers), "read WFDB, 12 x 5000"
    yield subject, "precordia", "rate", n / ours, "records/s"
    yield subject, "wfdb", "rate", n / peer, "records/s"
    yield subject, "raw read", "rate", n / floor, "records/s"
    yield subject, "precordia against wfdb", "ratio", peer / ours, ""
    yield subject, "precordia against raw read", "ratio", floor / ours, ""
