# SPDX-License-Identifier: Apache-2.0
"""A day of two leads is judged by rules and models in about a minute and less than a gigabyte."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

#: prints seconds of the processor, peak memory in MiB, and what was judged
_DAY = """
import json, resource, sys, time
import numpy as np
from precordia.classification.classify import classify
from precordia.core.record import Record
from precordia.generation.simulate import simulate

hours, fs = float(sys.argv[1]), 250
kinds = ("sinus", "atrial-fibrillation", "sinus", "sinus")
parts = [simulate(kind, fs=fs, seconds=60, noise="muscle", snr_db=20, seed=k).signal[[1, 7]]
         for k, kind in enumerate(kinds)]
order = np.random.default_rng(0).integers(0, len(parts), round(60 * hours))
signal = np.concatenate([parts[k] for k in order], axis=1).astype(np.float32)
began = time.process_time()
found = classify(Record(signal=signal, fs=fs, leads=("II", "V2")))
spent = time.process_time() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
af = next(f for f in found.findings if f.code == "AFIB")
print(json.dumps([spent, peak, af.probability]))
"""


def _judged(hours):
    pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-c", _DAY, str(hours)],
        capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_day_of_two_leads_is_judged_within_a_minute_of_the_processor_and_a_gigabyte():
    seconds, peak_mb, af = _judged(25)
    assert seconds < 75  # one core of 2026; half as much again for a slower one
    assert peak_mb < 1024
    assert af > 0.5
