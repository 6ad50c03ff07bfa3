# SPDX-License-Identifier: Apache-2.0
"""Pretrain a small encoder without labels, and see what lies near to what in it.

Needs: pip install "precordia[train,parquet]"
Takes: 20 s
"""

from pathlib import Path

import numpy as np

import precordia as pc
from precordia.training.objective_table import list_objectives, objective_row

print(*(f"{name}: {objective_row(name).does}" for name in list_objectives()[:3]), sep="\n")

folder = Path("unlabelled")
folder.mkdir(exist_ok=True)
conditions = ("sinus", "left-bundle-block")
rows = ["path,patient_id,label"]
for k in range(80):
    record = pc.simulate(conditions[k % 2], fs=250, noise="muscle", snr_db=15, seed=k)
    plain = pc.Record(signal=record.signal, fs=record.fs, leads=record.leads)
    pc.write(plain, folder / f"{k}.hea", overwrite=True)
    rows.append(f"{k}.hea,patient-{k},{conditions[k % 2]}")
(folder / "labels.csv").write_text("\n".join(rows))
store = folder / "store"
pc.build_store(pc.load_dataset("folder", folder), store, overwrite=True)

done = pc.pretrain(
    "simclr", store, folder="pretrained", steps=60, batch_size=16, overwrite=True,
    changes=["model.width=8", "input.seconds=5", "training.threads=1"],
)  # fmt: skip
print(done)

new = [
    pc.simulate(conditions[k % 2], fs=250, noise="muscle", snr_db=15, seed=k)
    for k in range(90, 110)
]
vectors = np.stack([pc.embed(record, model="pretrained/encoder").vector for record in new])
unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
likeness = unit @ unit.T - 2 * np.eye(len(new))
same = np.mean(likeness.argmax(axis=1) % 2 == np.arange(len(new)) % 2)
print(f"nearest of {len(new)} other recordings is of the same condition: {same:.2f}")
