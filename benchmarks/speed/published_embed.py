# SPDX-License-Identifier: Apache-2.0
"""Records a second that encoders embed, from files to vectors, with random weights.

    python benchmarks/speed/published_embed.py --model clef.small vit1d --records 600 --half

Published encoders take the input of their card; architectures of this package (vit1d and others)
that of the classifier in the box, 100 Hz. Weights are random, which costs what trained weights
cost. Records are simulated, twelve leads of ten seconds at 500 Hz, and are written as WFDB to a
temporary folder before the clock starts.
"""

import argparse
import os
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

INPUT = Path(__file__).parents[1] / "classifier" / "input.toml"


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--model", nargs="+", default=["clef.small"])
    asked.add_argument("--records", type=int, default=200)
    asked.add_argument("--jobs", type=int, default=2)
    asked.add_argument("--half", action="store_true")
    asked = asked.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["PRECORDIA_CACHE"] = f"{place}/cache"
        measure(Path(place), asked.model, asked.records, asked.jobs, asked.half)


def measure(place, models, n_records, n_jobs, half):
    from precordia.embedding.embed_files import embed_files
    from precordia.generation.simulate import simulate
    from precordia.io.write import write

    files = place / "records"
    files.mkdir()
    warnings.simplefilter("ignore")  # WFDB has no place for the beats of a simulation
    for k in range(n_records):
        write(simulate("sinus", seed=k % 20, fs=500, seconds=10), files / f"r{k:05}.hea")
    paths = sorted(files.glob("*.hea"))
    for name in models:
        folder = place / name
        n_parameters = make(name, folder)
        began, used = time.perf_counter(), time.process_time()
        made, first = [], None
        for item in embed_files(paths, model=str(folder), n_jobs=n_jobs, cache=False, half=half):
            made.append(item)
            first = first or time.perf_counter()  # processes have started and loaded the network
        ended, used = time.perf_counter(), time.process_time() - used
        failed = sum(m.embedding is None for m in made)
        print(
            f"{name}: {n_parameters / 1e6:.2f} M parameters, {n_jobs} processes, "
            f"{n_records / (ended - began):.0f} records/s with their start, "
            f"{(n_records - 16 * n_jobs) / (ended - first):.0f} after the first group, "
            f"{failed} failed"
            + (f", {1e3 * used / n_records:.1f} ms of processor time each" if n_jobs == 1 else "")
        )


def make(name, folder):
    """Save random weights; in a process of its own, so that this one never starts PyTorch."""
    import subprocess
    import sys

    code = f"""
from pathlib import Path
from precordia.core.input_spec import InputSpec
from precordia.models.load_model import load_model
from precordia.models.published_card import list_published, published_card
architecture, options, details = {name!r}, {{}}, None
if architecture in list_published():
    card = published_card(architecture)
    spec, architecture, options = card.input, card.architecture, card.options
    details = {{"published": card.name, "lead": card.lead}}
else:
    spec = InputSpec.from_toml(Path({str(INPUT)!r}).read_text("utf-8"))
model = load_model(architecture, n_outputs=0, leads=spec.leads, n_samples=spec.n_samples,
                   fs=spec.fs, **options)
model.save_pretrained({str(folder)!r}, input_spec=spec, details=details)
print(sum(p.numel() for p in model.parameters()))
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(told.stdout)


if __name__ == "__main__":
    main()
