# SPDX-License-Identifier: Apache-2.0
"""Import and first call: against importing the peers, each in a process of its own."""

from precordia.benchmarking.speed import IMPORT
from precordia.benchmarking.timing import printed_numbers

PEERS = ("wfdb", "neurokit2", "sleepecg")


def compare(headers, smoke):
    rounds = 1 if smoke else 3
    ours = 1000 * printed_numbers(IMPORT, rounds=rounds)[0]
    yield "import", "precordia", "time", ours, "ms"
    for name in PEERS:
        peer = 1000 * printed_numbers(IMPORT.replace("precordia", name), rounds=rounds)[0]
        yield "import", name, "time", peer, "ms"
        yield "import", f"precordia against {name}", "ratio", peer / ours, ""
