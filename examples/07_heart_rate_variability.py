# SPDX-License-Identifier: Apache-2.0
"""Measure the heart-rate variability of five minutes.

Needs: pip install precordia
Takes: 5 s
"""

import precordia as pc

record = pc.simulate("sinus-arrhythmia", seconds=300, rr_sd_ms=45, fs=250, seed=4)
numbers = pc.measure(record)

print(record)
print(f"normal beats: {numbers.n_normal_beats}, NN intervals: {numbers.n_nn}")
for name in ("nn_mean_ms", "sdnn_ms", "rmssd_ms", "pnn50_percent", "lf_ms2", "hf_ms2", "lf_hf"):
    print(f"{name:14} {getattr(numbers, name):8.2f}")

# Only intervals between adjacent normal beats count, and nothing is interpolated. What would
# need a longer recording is absent, with the reason.
print("triangular index:", numbers.absent["triangular_index"])

print(f"SDNN: {numbers.sdnn_ms:.1f} ms")
