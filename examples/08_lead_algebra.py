# SPDX-License-Identifier: Apache-2.0
"""Build twelve leads from eight, and a vectorcardiogram from these.

Needs: pip install precordia
Takes: 1 s
"""

import numpy as np

import precordia as pc
from precordia.signal.lead_algebra import complete_standard_12, independent_leads, transform_leads

record = pc.read(pc.toy_record())

# Eight leads hold everything: III, aVR, aVL and aVF follow from I and II exactly.
eight = independent_leads(record.signal, record.leads)
names = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
twelve = complete_standard_12(eight, names)
print(f"12 from 8: largest error {1000 * np.abs(twelve - record.signal).max():.1f} µV")

# X, Y and Z are estimated by a published matrix, so the new record says that it is estimated.
vcg = pc.Record(
    signal=transform_leads(eight, names, "kors"),
    fs=record.fs,
    leads=("X", "Y", "Z"),
    origin="estimated",
)
print(vcg)
print("drawn in", pc.plot(vcg, title="vectorcardiogram (Kors)").save("vcg.svg"))

length_mv = np.linalg.norm(vcg.signal - np.median(vcg.signal, axis=1, keepdims=True), axis=0)
print(f"longest heart vector: {length_mv.max():.2f} mV")
