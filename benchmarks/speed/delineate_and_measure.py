# SPDX-License-Identifier: Apache-2.0
"""Delineate and measure twelve leads of 10 s: against neurokit2's ecg_process on each lead."""

import warnings

import neurokit2

from precordia.benchmarking.timing import best_seconds
from precordia.delineation.delineate import delineate
from precordia.io.read import read
from precordia.measurement.measure import measure


def compare(headers, smoke):
    records = [read(header) for header in headers[: 2 if smoke else 40]]
    few = records[: 1 if smoke else 3]  # the peer takes seconds a record

    def process(record):
        for lead in record.signal:
            try:
                neurokit2.ecg_process(lead.astype(float), sampling_rate=500)
            except (ValueError, IndexError, ZeroDivisionError, TypeError, KeyError):
                continue  # it gives up on this lead, which only makes it faster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, peer = best_seconds(
            [
                lambda: [measure(record, delineate(record)) for record in records],
                lambda: [process(record) for record in few],
            ],
            rounds=1 if smoke else 3,
        )
    subject = "delineate and measure, 12 leads of 10 s"
    ours, peer = len(records) / ours, len(few) / peer
    yield subject, "precordia", "rate", ours, "records/s"
    yield subject, "neurokit2 ecg_process on each lead", "rate", peer, "records/s"
    yield subject, "precordia against neurokit2", "ratio", ours / peer, ""
