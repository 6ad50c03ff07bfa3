# SPDX-License-Identifier: Apache-2.0
"""Chapman University, Shaoxing and Ningbo hospitals: 45 152 patients, one record each."""

from __future__ import annotations

from pathlib import Path

from precordia.datasets.challenge_records import every_code, find_challenge, scored_classes
from precordia.datasets.found import Found

#: the four groups of rhythms of the paper, by concept
RHYTHM_GROUPS = {
    "426177001": "SB",
    "164889003": "AFIB",
    "164890007": "AFIB",
    "427084000": "GSVT",
    "426761007": "GSVT",
    "713422000": "GSVT",
    "233896004": "GSVT",
    "251166008": "GSVT",
    "233897008": "GSVT",
    "17366009": "GSVT",
    "195101003": "GSVT",
    "426783006": "SR",
    "427393009": "SR",
}


def find_chapman_ningbo(folder: Path, *, task: str) -> Found:
    """Find the records of Chapman, Shaoxing and Ningbo.

    Parameters
    ----------
    folder
        Searched with all its folders for records JS.
    task
        all: every concept. scored: the classes of the challenge of 2021. rhythm: the four groups
        of the paper, sinus bradycardia, atrial fibrillation and flutter, supraventricular
        tachycardias with sinus tachycardia, sinus rhythm with sinus arrhythmia.

    Returns
    -------
    What was found. Each record is of another patient.

    Notes
    -----
    *Method*: concepts are compared as whole codes. A widely used table of labels was made by
    searching abbreviations within text, so that ``AVB`` is also found in ``1AVB`` and ``AF`` in
    ``AFIB``; figures on that table are not comparable with figures on these labels. A record with
    two rhythms of different groups has two labels. Reentry in the node and the wandering atrial
    rhythm have one concept in the challenge's form of the files and may have another in the
    original; both are taken.

    References
    ----------
    Zheng J et al. Sci Data 2020;7:48. doi:10.1038/s41597-020-0386-x
    Zheng J et al. Sci Rep 2020;10:2898. doi:10.1038/s41598-020-59821-7
    """
    if task == "all":
        return find_challenge(folder, ("JS",), every_code)
    of = RHYTHM_GROUPS if task == "rhythm" else scored_classes(2021)
    return find_challenge(folder, ("JS",), lambda code: of.get(code, ""), classes=of.values())
