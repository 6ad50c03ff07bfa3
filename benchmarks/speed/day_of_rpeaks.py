# SPDX-License-Identifier: Apache-2.0
"""R-peaks of a day of one lead at 360 Hz, time and memory: against sleepecg, each by itself."""

from precordia.benchmarking.speed import HOLTER, HOLTER_HOURS
from precordia.benchmarking.timing import printed_numbers

PEER = HOLTER.replace(
    "from precordia.delineation.rpeaks import detect_rpeaks",
    "import sleepecg\n"
    "def detect_rpeaks(record):\n"
    "    return sleepecg.detect_heartbeats(record.signal[0].astype(float), record.fs)",
)


def compare(headers, smoke):
    hours = 1.0 if smoke else HOLTER_HOURS
    subject, rounds = f"R-peaks, {hours:g} h of one lead at 360 Hz", 1 if smoke else 2
    seconds = {}
    for name, script in (("precordia", HOLTER), ("sleepecg", PEER)):
        seconds[name], peak, before, beats = printed_numbers(script, str(hours), rounds=rounds)
        yield subject, name, "time", seconds[name], "s"
        yield f"{subject}, peak memory", name, "memory", peak, "MiB"
        yield f"{subject}, memory before", name, "memory", before, "MiB"
        yield f"{subject}, beats found", name, "count", beats, ""
    ratio = seconds["sleepecg"] / seconds["precordia"]
    yield subject, "precordia against sleepecg", "ratio", ratio, ""
