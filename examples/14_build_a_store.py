# SPDX-License-Identifier: Apache-2.0
"""Put a folder of recordings and a table of labels into one store, and draw windows from it.

Needs: pip install "precordia[parquet]"
Takes: 3 s
"""

from pathlib import Path

import numpy as np

import precordia as pc
from precordia.datasets.store import open_store
from precordia.datasets.store_build import build_store

folder = Path("recordings")
folder.mkdir(exist_ok=True)
rows = ["path,patient_id,label"]
for k in range(12):
    condition = "atrial-fibrillation" if k % 3 == 0 else "sinus"
    record = pc.simulate(condition, noise="muscle", snr_db=20, seed=k)
    plain = pc.Record(signal=record.signal, fs=record.fs, leads=record.leads)
    pc.write(plain, folder / f"{k}.hea", overwrite=True)
    rows.append(f"{k}.hea,patient-{k // 2},{condition}")
(folder / "labels.csv").write_text("\n".join(rows))

built = build_store(pc.load_dataset("folder", folder), "recordings.store", overwrite=True)
print(built)

store = open_store("recordings.store")
print(store.classes, store.targets().sum(axis=0), sorted(set(store.patients))[:3])

rng = np.random.default_rng(0)
batch = np.stack([store.window(int(k), 1000, 2500) for k in rng.integers(0, len(store), 4)])
print("a batch of windows:", batch.shape, batch.dtype)

stored = sum(file.stat().st_size for file in Path("recordings.store").rglob("*") if file.is_file())
raw = sum(2 * store.signal(k).size for k in range(len(store)))
print(f"size of the store, raw 16-bit samples = 1: {stored / raw:.2f}")
