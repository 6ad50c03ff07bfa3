# SPDX-License-Identifier: Apache-2.0
"""Training a residual network beside torch_ecg's, on one core or two: records a second and AUROC.

Superclasses of PTB-XL at 100 Hz, folds 1 to 8, scored on fold 9 after every epoch. The peer is the
classifier of torch_ecg in its default configuration (a residual network with bottlenecks), trained
as its trainer does: a DataLoader, AdamW with AMSGrad, one-cycle, the loss looked at in every step,
float32. torch_ecg has no other precision; what its network would do in bfloat16 is told beside it,
by the steps alone. Ours is resnet1d of width 32 and `fit`, in bfloat16 where the processor is made
for it.

Both train a few steps before the clock starts: what PyTorch imports with the first optimiser, and
how it first chooses kernels, took seconds from whoever came first. Rates are told by the clock on
the wall and by seconds of the processor, for which it matters little what else runs.

python benchmarks/speed/train.py DATA [--epochs 6] [--peer-epochs 3] [--threads 1]
needs torch_ecg; minutes
"""

import argparse
import csv
import gzip
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from precordia.models.load_model import load_model
from precordia.training.fit import fit
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet
from precordia.training.validation_scores import macro_auroc

CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
BATCH = 64


def superclasses(data):
    """Training and validation set from the normalised sample of PTB-XL."""
    folder = Path(data) / "ptbxl_norm"
    with np.load(folder / "ptbxl_norm_100hz_int16.npz") as held:
        names, windows = held["ecg_id"], np.ascontiguousarray(held["x"].transpose(0, 2, 1))
    with gzip.open(folder / "ptbxl_labels_all_from_merl.csv.gz", "rt") as file:
        rows = {int(float(row["ecg_id"])): row for row in csv.DictReader(file)}
    about = [rows[int(name)] for name in names]
    yes = ("1", "1.0", "True")
    whole = TrainingSet(
        windows=windows,
        scale=1e-3,
        labels=[[row[f"super_class:{c}"] in yes for c in CLASSES] for row in about],
        classes=CLASSES,
        names=[str(name) for name in names],
        patients=[row["patient_id"] for row in about],
        folds=[str(int(float(row["strat_fold"]))) for row in about],
    )
    return whole.in_folds(*range(1, 9)), whole.in_folds(9)


def ours(train, valid, epochs, threads):
    model = load_model("resnet1d", n_outputs=5, seconds=10, fs=100, width=32)
    settings = TrainingSettings(
        epochs=epochs,
        batch_size=BATCH,
        lr=2e-3,
        patience=0,
        average=0.95,
        workers=0,
        precision="auto",
        threads=threads,
    )
    return fit(model, train, valid, settings).best_score


def peers(train, valid, epochs, threads, precision=torch.float32):
    from torch_ecg.model_configs import ECG_CRNN_CONFIG
    from torch_ecg.models import ECG_CRNN

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = ECG_CRNN(list(CLASSES), 12, ECG_CRNN_CONFIG)
    x, y = (torch.from_numpy(a) for a in (train.gather(np.arange(len(train))), train.labels))
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y), BATCH, shuffle=True, drop_last=False
    )
    loss_of = torch.nn.BCEWithLogitsLoss()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, amsgrad=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 1e-3, epochs=epochs, steps_per_epoch=len(loader)
    )
    lower, best = precision != torch.float32, 0.0
    for _ in range(epochs):
        model.train()
        for windows, labels in loader:
            with torch.autocast("cpu", torch.bfloat16, enabled=lower):
                said = model(windows)
            loss = loss_of(said.float(), labels)
            loss.item()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        model.eval()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=lower):
            held = torch.from_numpy(valid.gather(np.arange(len(valid))))
            said = torch.cat([model(part) for part in held.split(BATCH)]).float()
        best = max(best, macro_auroc(said.numpy(), valid.labels))
        print(f"  peer, {precision}: AUROC {best:.3f}", file=sys.stderr)
    return best


def peers_in_bfloat16(train, valid, epochs, threads):
    return peers(train, valid, epochs, threads, torch.bfloat16)


def measured(work, train, valid, epochs, threads):
    """Train a little, then in earnest: rates of the latter by both clocks, and its score."""
    few, held = train.in_folds(1), train.in_folds(2)
    work(few, held, 1, threads)
    wall, processor = time.perf_counter(), time.process_time()
    score = work(train, valid, epochs, threads)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    n = epochs * len(train)
    return {
        "epochs": epochs,
        "records_per_s": n / wall,
        "records_per_processor_s": n / processor,
        "macro_auroc": score,
    }


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    asked.add_argument("data", help="folder that holds ptbxl_norm")
    asked.add_argument("--epochs", type=int, default=6)
    asked.add_argument("--peer-epochs", type=int, default=3)
    asked.add_argument("--threads", type=int, default=1)
    asked = asked.parse_args()
    warnings.simplefilter("ignore")
    train, valid = superclasses(asked.data)
    ways = {
        "precordia": (ours, asked.epochs),
        "torch_ecg": (peers, asked.peer_epochs),
        "torch_ecg in bfloat16": (peers_in_bfloat16, 1),
    }
    told = {}
    for name, (work, epochs) in ways.items():
        told[name] = measured(work, train, valid, epochs, asked.threads)
        print(json.dumps({name: told[name]}), flush=True)
    for peer in list(ways)[1:]:
        for rate in ("records_per_s", "records_per_processor_s"):
            ratio = told["precordia"][rate] / told[peer][rate]
            print(json.dumps({f"{rate}, precordia against {peer}": ratio}))


if __name__ == "__main__":
    main()
