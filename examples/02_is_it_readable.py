# SPDX-License-Identifier: Apache-2.0
"""Ask whether a recording can be read, and what is wrong where it cannot.

Needs: pip install precordia
Takes: 1 s
"""

from dataclasses import replace

import precordia as pc

record = pc.read(pc.toy_record())
print("as it is:", pc.assess(record), sep="\n", end="\n\n")

# Values never change, so both are spoilt copies.
row = record.leads.index
fallen_off = record.signal.copy()
fallen_off[row("V2")] = 0.0
print("V2 has come off:", pc.assess(replace(record, signal=fallen_off)), sep="\n", end="\n\n")

arms_exchanged = record.signal.copy()
arms_exchanged[row("I")] *= -1
arms_exchanged[[row("II"), row("III")]] = arms_exchanged[[row("III"), row("II")]]
arms_exchanged[[row("aVR"), row("aVL")]] = arms_exchanged[[row("aVL"), row("aVR")]]
quality = pc.assess(replace(record, signal=arms_exchanged))
print("the arms are exchanged:", quality, sep="\n", end="\n\n")

print(f"score: {quality.score:.2f}")
