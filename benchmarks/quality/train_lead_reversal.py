# SPDX-License-Identifier: Apache-2.0
"""Train the detector of exchanged electrodes; electrodes are exchanged by algebra.

python benchmarks/quality/train_lead_reversal.py --data ../shared/data     takes about 10 minutes

Needs PyTorch. Patients are kept together; the limit of a fold is read from the other folds.
"""

import argparse
import csv
import gzip
from pathlib import Path

import numpy as np
import torch
import wfdb
from lead_reversal_network import EXCHANGES, learn, log_odds, weights

import precordia.quality
from precordia.core.errors import PrecordiaError
from precordia.core.leads import LIMB_FROM_I_II, STANDARD_12
from precordia.io.read import read
from precordia.quality.indices import compute_indices
from precordia.quality.lead_reversal import median_beat

FALSE_ALARMS = 0.01
FOLDS = 5


def read_recordings(data: Path):
    """Yield twelve leads, rate, patient and source of each recording."""
    with gzip.open(data / "ptbxl_norm" / "ptbxl_labels_all_from_merl.csv.gz", "rt") as stream:
        rows = csv.DictReader(stream)
        patient = {int(float(r["ecg_id"])): f"p{float(r['patient_id']):.0f}" for r in rows}
    z = np.load(data / "ptbxl_norm" / "ptbxl_norm_100hz_int16.npz")
    for ecg_id, x, scale, residual in zip(
        z["ecg_id"], z["x"], z["limb_scale"], z["limb_resid"], strict=True
    ):
        if residual < 0.002:
            signal = x.T.astype(np.float32) / 1000
            signal[:6] *= scale[:, None]
            signal[2:6] = LIMB_FROM_I_II.astype(np.float32) @ signal[:2]
            yield signal, 100.0, patient[int(ecg_id)], "ptbxl_norm"
    for row in csv.DictReader((data / "ptbxl" / "ptbxl_database.csv").open()):
        for name in (row["filename_hr"], row["filename_lr"]):
            if (data / "ptbxl" / name).with_suffix(".dat").exists():
                record = wfdb.rdrecord(str(data / "ptbxl" / name))
                who = f"p{float(row['patient_id']):.0f}"
                yield record.p_signal.T.astype(np.float32), float(record.fs), who, "ptbxl"
                break
    for path in sorted((data / "ludb" / "data").glob("*.hea")):
        signal = wfdb.rdrecord(str(path.with_suffix(""))).p_signal.T.astype(np.float32)
        yield signal, 500.0, f"l{path.stem}", "ludb"
    for row in csv.DictReader((data / "cinc2011" / "labels.csv").open()):
        if row["quality"] == "acceptable":
            record = wfdb.rdrecord(str(data / "cinc2011" / row["record"]))
            yield record.p_signal.T.astype(np.float32), 500.0, f"c{row['record']}", "cinc2011"
    seen = set()
    for name in ("code15", "cinc2021"):
        for path in sorted((data / name).rglob("*.hea")):
            if path.stem in seen:
                continue
            seen.add(path.stem)
            try:
                record = read(path)
            except PrecordiaError:
                continue
            who = patient[int(path.stem[2:])] if path.stem.startswith("HR") else path.stem
            if record.leads == STANDARD_12:
                yield record.signal[:, : int(20 * record.fs)], record.fs, who, name


def collect(data: Path):
    """Median beats of I, II, V1-V6, patients and sources of the recordings that can be judged."""
    beats, patients, sources, skipped = [], [], [], {}
    for signal, fs, patient, source in read_recordings(data):
        signal = np.nan_to_num(signal)
        beat = median_beat(compute_indices(signal, fs, STANDARD_12), STANDARD_12)
        if beat is None:
            skipped[source] = skipped.get(source, 0) + 1
            continue
        beats.append(beat), patients.append(patient), sources.append(source)
    print("not judged:", skipped)
    return np.array(beats), np.array(patients), np.array(sources)


def show(name, hits):
    n, p, z2 = len(hits), hits.mean(), 1.96**2
    half = 1.96 * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low, high = (p + z2 / (2 * n)) / (1 + z2 / n) + half * np.array([-1, 1])  # Wilson
    print(f"  {name}: {hits.mean():.3f} [{low:.3f}, {high:.3f}] {hits.sum()} of {len(hits)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--epochs", type=int, default=45)
    parser.add_argument("--keep", type=Path, help="write the held-out log odds here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    beats, patients, sources = collect(arguments.data)
    # the chest leads of ptbxl_norm were divided by their own sizes: these are not told
    known = (sources != "ptbxl_norm").astype(float)
    print(len(beats), {str(s): int(np.sum(sources == s)) for s in np.unique(sources)})
    who = np.unique(patients, return_inverse=True)[1]
    fold = (np.random.default_rng(0).permutation(who.max() + 1) % FOLDS)[who]
    held = np.zeros((len(beats), 1 + len(EXCHANGES), len(EXCHANGES)))
    for k in range(FOLDS):
        away = fold == k
        net = learn(beats[~away], known[~away], arguments.epochs)
        held[away] = log_odds(net, beats[away], known[away])
        print(f"fold {k}", flush=True)
    best = held.max(axis=2)
    if arguments.keep:
        np.savez(arguments.keep, held=held, sources=sources, fold=fold)
    limits = np.array([np.quantile(best[fold != k, 0], 1 - FALSE_ALARMS) for k in range(FOLDS)])
    alarm = best >= limits[fold][:, None]
    print("limits of the folds", limits.round(2))
    named = held.argmax(axis=2) == np.arange(-1, len(EXCHANGES))
    for j, name in enumerate(EXCHANGES, 1):
        show(name, alarm[:, j])
        show(f"{name}, named right", alarm[:, j] & named[:, j])
        show(f"{name}, sizes known", alarm[known > 0, j])
    show("false alarms", alarm[:, 0])
    for source in np.unique(sources):
        show(f"false alarms, {source}", alarm[sources == source, 0])
    limit = float(np.quantile(best[:, 0], 1 - FALSE_ALARMS))
    print(f"limit {limit:.2f}")
    np.savez_compressed(
        Path(precordia.quality.__file__).with_name("lead_reversal.npz"),
        names=np.array(EXCHANGES),
        n_layers=2,
        limit=limit,
        **weights(learn(beats, known, arguments.epochs)),
    )


if __name__ == "__main__":
    main()
