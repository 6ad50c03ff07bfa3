# SPDX-License-Identifier: Apache-2.0
"""Name every beat: normal, supraventricular, ventricular, and say how sure that is.

Needs: pip install precordia
Takes: 2 s
"""

import precordia as pc

record = pc.simulate("bigeminy", seconds=30, noise="muscle", snr_db=20, seed=2)
beats = pc.classify_beats(record)

print(beats)
for k in range(6):
    at = beats.sample[k] / record.fs
    print(f"beat at {at:5.2f} s: {beats.label[k]}  probability {beats.probability[k].max():.2f}")

print(f"ventricular beats: {sum(name == 'V' for name in beats.label)} of {len(beats)}")
