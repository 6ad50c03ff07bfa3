# SPDX-License-Identifier: Apache-2.0
"""Find the waves of every beat and measure the intervals.

Needs: pip install precordia
Takes: 1 s
"""

import precordia as pc

record = pc.read(pc.toy_record())
waves = pc.delineate(record)
numbers = pc.measure(record, waves)

print(waves)
begin_s, end_s = waves.qrs_onset / record.fs, waves.t_offset / record.fs
for beat in range(waves.n_beats):
    print(f"beat {beat + 1:2}: QRS from {begin_s[beat]:5.2f} s, end of T at {end_s[beat]:5.2f} s")
print(numbers)

# What cannot be measured is NaN, and says why.
print("SDANN:", numbers.sdann_ms, "because", numbers.absent["sdann_ms"])

print("drawn in", pc.plot(record, marks=waves, title="waves").save("waves.svg"))
