# SPDX-License-Identifier: Apache-2.0
"""Training a residual network beside torch_ecg's, on one core: records a second and AUROC.

Superclasses of PTB-XL at 100 Hz, folds 1 to 8, scored on fold 9. The peer is the classifier of
torch_ecg in its default configuration (a residual network with bottlenecks), trained as its
trainer does: a DataLoader, AdamW with AMSGrad, one-cycle, the loss looked at in every step. Ours is
resnet1d of width 32 and `fit`, in bfloat16 where the processor is made for it. Seconds are of the
processor: what else runs does not count.

python benchmarks/speed/train.py DATA [EPOCHS [PEER_EPOCHS]]     needs torch_ecg; minutes
"""

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


def ours(train, valid, epochs):
    model = load_model("resnet1d", n_outputs=5, seconds=10, fs=100, width=32)
    began = time.process_time()
    settings = TrainingSettings(
        epochs=epochs,
        batch_size=BATCH,
        lr=2e-3,
        patience=0,
        average=0.95,
        workers=0,
        precision="auto",
    )
    fitted = fit(model, train, valid, settings)
    return time.process_time() - began, fitted.best_score


def peers(train, valid, epochs):
    from torch_ecg.model_configs import ECG_CRNN_CONFIG
    from torch_ecg.models import ECG_CRNN

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
    began, best = time.process_time(), 0.0
    for _ in range(epochs):
        model.train()
        for windows, labels in loader:
            loss = loss_of(model(windows), labels)
            loss.item()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            held = torch.from_numpy(valid.gather(np.arange(len(valid))))
            said = torch.cat([model(part) for part in held.split(BATCH)])
        best = max(best, macro_auroc(said.numpy(), valid.labels))
        print(f"  peer: {time.process_time() - began:.0f} s, AUROC {best:.3f}", file=sys.stderr)
    return time.process_time() - began, best


def main(data, epochs=6, peer_epochs=3):
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    train, valid = superclasses(data)
    told = {}
    for name, work, n in (("precordia", ours, epochs), ("torch_ecg", peers, peer_epochs)):
        seconds, score = work(train, valid, n)
        rate = n * len(train) / seconds
        told[name] = {"epochs": n, "seconds": seconds, "records_per_s": rate, "macro_auroc": score}
        print(json.dumps({name: told[name]}), flush=True)
    ratio = told["precordia"]["records_per_s"] / told["torch_ecg"]["records_per_s"]
    print(json.dumps({"ratio_of_records_per_s": ratio}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
