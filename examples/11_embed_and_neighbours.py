# SPDX-License-Identifier: Apache-2.0
"""Turn recordings into vectors and look whose neighbours are alike.

Needs: pip install precordia
Takes: 5 s
"""

import numpy as np

import precordia as pc

conditions = ("sinus", "left-bundle-block", "old-inferior-infarct", "atrial-fibrillation")
records = [
    (condition, pc.simulate(condition, noise="muscle", snr_db=20, seed=seed))
    for condition in conditions
    for seed in range(8)
]
vectors = np.stack([pc.embed(record).vector for _, record in records])

unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
likeness = unit @ unit.T
np.fill_diagonal(likeness, -1)  # nobody is a neighbour of oneself
nearest = likeness.argmax(axis=1)

for condition in conditions:
    rows = [k for k, (name, _) in enumerate(records) if name == condition]
    same = sum(records[nearest[k]][0] == condition for k in rows)
    print(f"{condition:22} {same} of {len(rows)} have a nearest neighbour of their kind")

share = np.mean([records[j][0] == name for (name, _), j in zip(records, nearest, strict=True)])
print(f"share of like neighbours: {share:.2f} (by chance {1 / len(conditions):.2f})")
