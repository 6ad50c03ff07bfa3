# SPDX-License-Identifier: Apache-2.0
"""Simulate an ECG whose truth is known, measure it, and compare.

Needs: pip install precordia
Takes: 1 s
"""

import precordia as pc

record = pc.simulate(
    "first-degree-block", heart_rate_bpm=72, pr_ms=240, noise="muscle", snr_db=20, seed=3
)
truth = record.carried.measurements  # what the simulator knows
numbers = pc.measure(record)

print(record)
for name in ("heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qrs_axis_deg"):
    print(f"{name:15} true {truth[name]:6.1f}   measured {getattr(numbers, name):6.1f}")

print(f"error of PR: {numbers.pr_ms - truth['pr_ms']:+.0f} ms")
