# SPDX-License-Identifier: Apache-2.0
"""Train the detector of exchanged electrodes on PTB-XL and LUDB, leads exchanged by algebra.

python benchmarks/quality/train_lead_reversal.py --data ../shared/data      takes about 3 minutes
"""

import argparse
import csv
import gzip
from pathlib import Path

import numpy as np
import wfdb
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier

import precordia.quality
from precordia.core.leads import LIMB_FROM_I_II, STANDARD_12
from precordia.quality.indices import compute_indices
from precordia.quality.lead_reversal import beat_pattern
from precordia.signal.electrode_swap import swap_electrodes

EXCHANGES = ("RA/LA", "LA/LL", "RA/LL", "V1/V2", "V2/V3", "V3/V4", "V4/V5", "V5/V6", "V1/V3")
EXCHANGES += ("V1/V6", "V2/V5", "V4/V6")
FALSE_ALARMS = 0.004


def read_recordings(data: Path):
    """Yield twelve leads, rate, patient and source of each recording."""
    with gzip.open(data / "ptbxl_norm" / "labels_1819.csv.gz", "rt") as stream:
        patient = {int(r["ecg_id"]): r["patient_id"] for r in csv.DictReader(stream)}
    z = np.load(data / "ptbxl_norm" / "ptbxl_norm_100hz_int16.npz")
    for ecg_id, x, scale, residual in zip(
        z["ecg_id"], z["x"], z["limb_scale"], z["limb_resid"], strict=True
    ):
        if residual < 0.002:
            signal = x.T.astype(np.float32) / 1000
            signal[:6] *= scale[:, None]
            signal[2:6] = LIMB_FROM_I_II.astype(np.float32) @ signal[:2]
            yield signal, 100.0, f"p{float(patient[int(ecg_id)]):.0f}", "ptbxl_norm"
    for row in csv.DictReader((data / "ptbxl" / "ptbxl_database.csv").open()):
        path = data / "ptbxl" / row["filename_lr"]
        if path.with_suffix(".hea").exists():
            signal = wfdb.rdrecord(str(path)).p_signal.T.astype(np.float32)
            yield signal, 100.0, f"p{float(row['patient_id']):.0f}", "ptbxl"
    for path in sorted((data / "ludb" / "data").glob("*.hea")):
        signal = wfdb.rdrecord(str(path.with_suffix(""))).p_signal.T.astype(np.float32)
        yield signal, 500.0, f"l{path.stem}", "ludb"


def exchange(signal, name):
    first, second = (e.replace("V", "C") for e in name.split("/"))
    return swap_electrodes(signal, STANDARD_12, first, second)


def patterns_of(signal, fs):
    """Pattern of the recording as it is and with each exchange; None where it cannot be judged."""
    out = []
    for name in (None, *EXCHANGES):
        x = signal if name is None else exchange(signal, name)
        pattern = beat_pattern(compute_indices(x, fs, STANDARD_12), STANDARD_12)
        if pattern is None:
            return None
        out.append(pattern)
    return out


def fit(x, y, seed):
    centre, spread = x.mean(axis=0), x.std(axis=0) + 1e-3
    net = MLPClassifier((32,), alpha=1.0, max_iter=25, batch_size=128, random_state=seed)
    return centre, spread, net.fit((x - centre) / spread, y)


def odds(model, x):
    centre, spread, net = model
    h = np.maximum(((x - centre) / spread) @ net.coefs_[0] + net.intercepts_[0], 0)
    h = h @ net.coefs_[1] + net.intercepts_[1]
    return h[..., 1:] - h[..., :1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments = parser.parse_args()
    x, patients, sources, skipped = [], [], [], 0
    for signal, fs, patient, source in read_recordings(arguments.data):
        pattern = patterns_of(signal, fs)
        if pattern is None:
            skipped += 1
            continue
        x.append(pattern), patients.append(patient), sources.append(source)
    x, sources = np.array(x), np.array(sources)
    print(
        f"{len(x)} recordings, {skipped} not judged",
        {s: int(np.sum(sources == s)) for s in set(sources)},
    )
    n, k, dim = x.shape
    held = np.zeros((n, k, k - 1))
    kind = np.tile(np.arange(k), (n, 1))
    for a, b in GroupKFold(5).split(x, groups=patients):
        held[b] = odds(fit(x[a].reshape(-1, dim), kind[a].ravel(), 0), x[b])
    limit = float(np.quantile(held[:, 0].max(axis=1), 1 - FALSE_ALARMS))
    print(f"limit {limit:.2f} for {1000 * FALSE_ALARMS:g} false alarms in 1000")
    for j, name in enumerate(EXCHANGES, 1):
        alarm, named = held[:, j].max(axis=1) >= limit, held[:, j].argmax(axis=1) == j - 1
        per = {s: round(float(alarm[sources == s].mean()), 3) for s in set(sources)}
        print(
            f"{name}: sensitivity {alarm.mean():.3f}, named right {(alarm & named).mean():.3f}", per
        )
    alarm = held[:, 0].max(axis=1) >= limit
    print("false alarms", {s: float(alarm[sources == s].mean()) for s in set(sources)})
    centre, spread, net = fit(x.reshape(-1, dim), kind.ravel(), 0)
    layers = {}
    for i, (weight, bias) in enumerate(zip(net.coefs_, net.intercepts_, strict=True)):
        layers |= {f"weight_{i}": weight.astype(np.float32), f"bias_{i}": bias.astype(np.float32)}
    np.savez_compressed(
        Path(precordia.quality.__file__).with_name("lead_reversal.npz"),
        names=np.array(EXCHANGES),
        centre=centre.astype(np.float32),
        spread=spread.astype(np.float32),
        n_layers=len(net.coefs_),
        limit=max(limit, 2.0),
        **layers,
    )


if __name__ == "__main__":
    main()
