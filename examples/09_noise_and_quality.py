# SPDX-License-Identifier: Apache-2.0
"""Add more and more noise, and watch quality and the measured QRS duration.

Needs: pip install precordia
Takes: 5 s
"""

import math

import precordia as pc

print("noise              snr  acceptable  score  QRS (true 92 ms)")
readable = 0
for noise in ("muscle", "baseline-wander", "electrode-motion"):
    for snr_db in (20, 10, 0, -10):
        record = pc.simulate(qrs_ms=92, noise=noise, snr_db=snr_db, seed=5)
        quality = pc.assess(record)
        qrs_ms = pc.measure(record).qrs_ms
        shown = f"{qrs_ms:.0f} ms" if math.isfinite(qrs_ms) else "absent"
        answer = "yes" if quality.acceptable else "no"
        print(f"{noise:17} {snr_db:3} dB  {answer:10}  {quality.score:.2f}   {shown}")
        readable += quality.acceptable

print(f"acceptable: {readable} of 12")
