# SPDX-License-Identifier: Apache-2.0
"""Convert a recording from WFDB to EDF and see how much of it is kept.

Needs: pip install precordia
Takes: 1 s
"""

import warnings

import numpy as np

import precordia as pc

record = pc.read(pc.toy_record())
with warnings.catch_warnings(record=True) as losses:
    warnings.simplefilter("always")
    path = pc.write(record, "toy.edf", overwrite=True)
copy = pc.read(path)

print("before:", record)
print("after: ", copy)
for loss in losses:  # what the new format cannot hold is named
    print("lost:  ", loss.message)
assert copy.leads == record.leads
assert copy.fs == record.fs

difference_uv = 1000 * float(np.abs(copy.signal - record.signal).max())
print(f"largest difference: {difference_uv:.2f} µV")
