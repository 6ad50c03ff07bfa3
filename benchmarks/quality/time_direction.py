# SPDX-License-Identifier: Apache-2.0
"""How often recordings seem to run backwards, as they are and played backwards.

    python benchmarks/quality/time_direction.py --data ../shared/data

Every twelve-lead recording of six databases, the first ten seconds of longer ones; groups by what
the rules find. Where nothing can be judged nothing is told. Intervals are Wilson's, 95 %. Five
minutes on one core.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from pathlib import Path

import numpy as np

from precordia.classification.by_rules import judge_by_rules
from precordia.core.errors import PrecordiaError
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.io.read import read
from precordia.quality.indices import compute_indices
from precordia.quality.time_direction import power_before_to_after, suspect_reversed_time

FOLDERS = ("ptbxl/records100", "ptbxl/records500", "cinc2021", "ludb", "code15", "cinc2011")
GROUPS = {
    "fibrillation or flutter": {"AFIB", "AFLT"},
    "bundle branch block": {"CLBBB", "CRBBB"},
    "paced": {"PACE"},
    "sinus tachycardia": {"STACH"},
}


def recordings(data: Path):
    """Yield the database of each recording, and its twelve leads in order, ten seconds at most."""
    for folder in FOLDERS:
        for path in sorted((data / folder).rglob("*.hea")):
            try:
                record = read(path)
            except PrecordiaError:
                continue
            if set(STANDARD_12) <= set(record.leads) and record.duration_s >= 5.0:
                rows = [record.leads.index(name) for name in STANDARD_12]
                most = record.n_samples if record.duration_s <= 15 else int(10 * record.fs)
                signal = np.nan_to_num(record.signal[rows, :most])
                yield folder, Record(signal=signal, fs=record.fs, leads=STANDARD_12)
    with np.load(data / "ptbxl_norm" / "ptbxl_norm_100hz_int16.npz") as held:
        for wave in held["x"]:
            signal = np.ascontiguousarray(wave.T, np.float32) / 1000
            yield "ptbxl_norm", Record(signal=signal, fs=100.0, leads=STANDARD_12)


def wilson(k: int, n: int) -> str:
    """Return a share in percent with its interval."""
    p, z = k / n, 1.959964
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return f"{100 * p:.2f} [{100 * max(middle - half, 0):.2f}, {100 * (middle + half):.2f}]"


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the databases")
    rows = defaultdict(list)
    for folder, record in recordings(parser.parse_args().data):
        ways = (record.signal, np.ascontiguousarray(record.signal[:, ::-1]))
        there, back = (compute_indices(x, record.fs, record.leads) for x in ways)
        row = (
            math.isfinite(power_before_to_after(there, record.leads)),
            bool(suspect_reversed_time(there, record.leads)),
            bool(suspect_reversed_time(back, record.leads)),
        )
        found = {finding.code for finding in judge_by_rules(record)}
        for group in ("all", folder, *(g for g, codes in GROUPS.items() if codes & found)):
            rows[group].append(row)
    for group, held in rows.items():
        judged, alarms, told = np.sum(held, axis=0).tolist()
        print(
            f"{group:24s} {len(held):5d} recordings, {judged:5d} judged, {alarms:2d} alarms: "
            f"{wilson(alarms, max(judged, 1))} %; backwards {wilson(told, len(held))} %"
        )


if __name__ == "__main__":
    main()
