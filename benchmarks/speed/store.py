# SPDX-License-Identifier: Apache-2.0
"""A store of recordings: its size, building it, and any record at random; beside what others use.

The peers hold the same recordings: WFDB files read by wfdb, one HDF5 file with gzip and a chunk a
record (none of them kept in memory, as of a database that does not fit there), one compressed npz
file a record. Sizes are parts of 16-bit samples without any compression. Seconds are those of the
processor, best of the rounds, the ways in turn: what else runs on the machine counts less.
``python benchmarks/speed/store.py`` prints the table alone.
"""

import functools
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from precordia.datasets.item import Item
from precordia.datasets.store import open_store
from precordia.datasets.store_build import build_store
from precordia.io.read import read

N_READS = 400


def best_seconds(ways, rounds):
    best = [float("inf")] * len(ways)
    for _ in range(rounds):
        for k, way in enumerate(ways):
            start = time.process_time()
            way()
            best[k] = min(best[k], time.process_time() - start)
    return best


def write_hdf5(path, units):
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset(
            "signal", data=units, chunks=(1, *units.shape[1:]), compression="gzip", shuffle=True
        )


def sizes(paths):
    return sum(path.stat().st_size for path in paths)


def compare_rate(headers, scratch, subject, smoke):
    items = [Item(name=header.stem, path=header) for header in headers]
    folder, lz4 = scratch / "store", scratch / "lz4"

    def build():
        build_store(items, folder, overwrite=True)

    (building,) = best_seconds([build], rounds=1 if smoke else 3)
    build_store(items, lz4, codec="lz4")
    units = np.stack([np.rint(read(h).signal * 1000).astype(np.int16) for h in headers])
    (packing,) = best_seconds([lambda: write_hdf5(scratch / "all.h5", units)], rounds=1)
    for k, record in enumerate(units):
        np.savez_compressed(scratch / f"{k}.npz", signal=record)
    yield f"build a store, {subject}", "precordia", "rate", len(items) / building, "records/s"
    yield f"pack alone, {subject}", "h5py, gzip", "rate", len(items) / packing, "records/s"
    plain = units.nbytes
    held = {
        "precordia": sizes(folder.glob("records-*")),
        "precordia, lz4": sizes(lz4.glob("records-*")),
        "WFDB files": sizes(h.with_suffix(".dat") for h in headers),
        "h5py, gzip": (scratch / "all.h5").stat().st_size,
        "npz": sizes(scratch.glob("*.npz")),
    }
    for name, size in held.items():
        yield f"size, {subject}", name, "part of 16-bit samples", size / plain, ""
    yield from compare_access(headers, scratch, subject, smoke, len(units))


def compare_access(headers, scratch, subject, smoke, n):
    import h5py
    import wfdb

    places = np.random.default_rng(0).integers(0, n, N_READS).tolist()
    names = [str(header.with_suffix("")) for header in headers]
    with h5py.File(scratch / "all.h5", rdcc_nbytes=0) as file:
        signals = file["signal"]
        store, lz4 = open_store(scratch / "store"), open_store(scratch / "lz4")
        step = np.float32(0.001)
        ways = {
            "precordia": store.signal,
            "precordia, lz4": lz4.signal,
            "wfdb": lambda i: wfdb.rdrecord(names[i]).p_signal,
            "h5py, gzip": lambda i: signals[i] * step,
            "npz": lambda i: np.load(scratch / f"{i}.npz")["signal"] * step,
        }
        loops = [functools.partial(read_each, way, places) for way in ways.values()]
        taken = dict(zip(ways, best_seconds(loops, rounds=1 if smoke else 5), strict=True))
    for name, seconds in taken.items():
        yield f"random records, {subject}", name, "rate", N_READS / seconds, "records/s"
    for name in ("wfdb", "h5py, gzip", "npz"):
        ratio = taken[name] / taken["precordia"]
        yield f"random records, {subject}", f"precordia against {name}", "ratio", ratio, ""


def read_each(way, places):
    for place in places:  # what was read is let go, as after a step of training
        way(place)


def slow_headers(headers):
    """The same records of PTB-XL at 100 Hz, where they are there."""
    slow = [
        Path(str(h).replace("records500", "records100").replace("_hr.", "_lr.")) for h in headers
    ]
    return [h for h, fast in zip(slow, headers, strict=True) if h != fast and h.is_file()]


def compare(headers, smoke):
    for chosen, n in ((headers, 5000), (slow_headers(headers), 1000)):
        if chosen:
            with tempfile.TemporaryDirectory() as scratch:
                yield from compare_rate(chosen, Path(scratch), f"12 x {n}", smoke)


if __name__ == "__main__":
    from precordia.benchmarking.speed import list_headers

    data = Path(os.environ.get("PRECORDIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
    with tempfile.TemporaryDirectory() as made:
        found = list_headers(data, Path(made))
        for subject, method, metric, value, unit in compare(found, "--smoke" in sys.argv):
            print(f"{subject:<32} {method:<30} {metric:<24} {value:10.3f} {unit}")
