# SPDX-License-Identifier: Apache-2.0
"""Read recordings of devices, 12 x 5000 samples: against ECGDataKit on the same files."""

import dataclasses
import os
import tempfile
import warnings
from pathlib import Path

from ecgdatakit import FileParser

from precordia.benchmarking.timing import best_seconds
from precordia.core.record import Carried
from precordia.generation.simulate import simulate
from precordia.io.read import read
from precordia.io.write import write

DATA = Path(os.environ.get("PRECORDIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
FORMATS = DATA / "formats"
REAL = {
    "MUSE XML": "braveheart-muse-xml/Example ECGs/example1.xml",
    "HL7 aECG": "aecg-fda/src/aecg/data/hl7/2003-12 Schema/example/Example aECG.xml",
    "SierraECG XML": "philips-sierra/**/129DYPRG.XML",
    "SCP-ECG": "scp-scpinfo/example/example.scp",
}
#: written from a simulation: no open recording of 12 x 5000 samples is at hand in the first two
WRITTEN = {"DICOM": "a.dcm", "EDF": "a.edf", "HL7 aECG without marks": "a.xml"}


def files(folder: Path):
    made = simulate(seed=1)  # 12 leads, 10 s, 500 Hz
    record = dataclasses.replace(made, carried=Carried())  # the signal, and nothing said of it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for title, name in WRITTEN.items():
            yield title, write(record, folder / name)
    for title, pattern in REAL.items():
        for path in sorted(FORMATS.glob(pattern))[:1]:
            yield title, path


def compare(headers, smoke):
    calls = 3 if smoke else 30
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for title, path in files(Path(scratch)):
            ways = [lambda p=path: [read(p) for _ in range(calls)]]
            try:
                FileParser().parse(path)
                ways.append(lambda p=path: [FileParser().parse(p) for _ in range(calls)])
            except Exception as error:  # the peer may not read what others write
                print(f"ECGDataKit does not read this {title} file: {type(error).__name__}")
            seconds = best_seconds(ways, rounds=1 if smoke else 5)
            subject = f"read {title}, 12 x 5000"
            yield subject, "precordia", "time", 1000 * seconds[0] / calls, "ms"
            if len(seconds) > 1:
                yield subject, "ecgdatakit", "time", 1000 * seconds[1] / calls, "ms"
                yield subject, "precordia against ecgdatakit", "ratio", seconds[1] / seconds[0], ""
