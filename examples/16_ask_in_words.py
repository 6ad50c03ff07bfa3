# SPDX-License-Identifier: Apache-2.0
"""Ask two recordings about statements that are named in any words.

Needs: pip install precordia
Takes: 3 s
"""

import precordia as pc

asked = [
    "left bundle branch block",
    "Vorhofflimmern",
    "the wave of the heart is slurred and wide",
    "no infarction",
]
for condition in ("sinus", "left-bundle-block"):
    record = pc.simulate(condition, noise="muscle", snr_db=25.0, seed=3)
    found = pc.classify(record, statements=asked)
    print(f"{condition}:\n{found}")
    named = found.asked["left bundle branch block"]
    print(f"left bundle branch block in {condition}: {found[named].probability:.2f}\n")
