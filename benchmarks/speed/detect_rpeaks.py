# SPDX-License-Identifier: Apache-2.0
"""R-peaks of one lead of 10 s at 500 Hz: against sleepecg, whose detector is written in C."""

import sleepecg

from precordia.benchmarking.timing import best_seconds
from precordia.core.record import Record
from precordia.delineation.rpeaks import detect_rpeaks
from precordia.io.read import read


def compare(headers, smoke):
    records = [read(header) for header in headers[: 5 if smoke else 40]]
    single = [Record(signal=r.signal[1:2], fs=r.fs, leads=r.leads[1:2]) for r in records]
    arrays = [r.signal[0].astype(float) for r in single]
    ours, peer = best_seconds(
        [
            lambda: [detect_rpeaks(record) for record in single],
            lambda: [sleepecg.detect_heartbeats(x, 500.0) for x in arrays],
        ],
        rounds=1 if smoke else 5,
    )
    subject = "R-peaks, one lead of 10 s at 500 Hz"
    yield subject, "precordia", "rate", len(single) / ours, "records/s"
    yield subject, "sleepecg", "rate", len(single) / peer, "records/s"
    yield subject, "precordia against sleepecg", "ratio", peer / ours, ""
