# SPDX-License-Identifier: Apache-2.0
"""Compare the rule-based findings with the statements of five databases.

    python benchmarks/classification/rules.py --data ../shared/data --out benchmarks/results

Every figure is per record, from the file to the findings. An abstention counts as "not found";
how many there were is stated. The rules were looked at on the simulator and on PTB-XL folds 1 to 8
("ptbxl 1-8"), those of fibrillation and flutter on all databases; the other rows were scored, not
tuned on. Readers' statements are no gold standard: many true findings are not among them, and
limits differ (a PR interval of 210 ms is often left unsaid). The leads of LUDB are scaled one by
one, so that voltage, ST and axis are abstentions there. Intervals are Wilson's, 95 %.
"""

import argparse
import ast
import csv
import math
from dataclasses import replace
from pathlib import Path

from precordia.classification.by_rules import judge_by_rules
from precordia.core.record import Patient
from precordia.io.read import read
from precordia.knowledge.statements import list_statements

SNOMED = {s.snomed_ct: s.code for s in list_statements() if s.snomed_ct} | {
    "59118001": "CRBBB", "164909002": "CLBBB", "17338001": "PVC", "164884008": "PVC",
    "284470004": "PAC", "164947007": "1AVB", "446358003": "RAO/RAE", "446813000": "LAO/LAE",
    "253352002": "LAO/LAE", "195060002": "WPW",
}  # fmt: skip
LUDB = {
    "Sinus rhythm": "SR", "Sinus bradycardia": "SBRAD", "Sinus tachycardia": "STACH",
    "Sinus arrhythmia": "SARRH", "Irregular sinus rhythm": "SARRH",
    "Atrial fibrillation": "AFIB", "Atrial flutter": "AFLT",
    "Electric axis of the heart: left": "LAD", "Electric axis of the heart: right": "RAD",
    "Incomplete right bundle": "IRBBB", "Complete right bundle": "CRBBB",
    "Incomplete left bundle": "ILBBB", "Complete left bundle": "CLBBB",
    "Left anterior hemiblock": "LAFB", "I degree av": "1AVB", "Iii degree av": "3AVB",
    "Non-specific intravintricular": "IVCD", "Atrial extrasystole": "PAC",
    "Ventricular extrasystole": "PVC", "Left ventricular hypertrophy": "LVH",
    "Right ventricular hypertrophy": "RVH", "Left atrial": "LAO/LAE", "Right atrial": "RAO/RAE",
    "Unipolar ventricular": "PACE", "Bipolar ventricular": "PACE", "Pacemaker": "PACE",
    "Early repolarization": "EREPOL", "Stemi": "STE_", "Scar formation": "any MI",
}  # fmt: skip
REPOLARISATION = {"STD_", "INVT", "LOWT", "LNGQT", "STE_", "HIGHT"}
#: T wave abnormal, non-specific ST-T, ST interval abnormal, ST changes, ischaemia
SNOMED_STTC = {"164934002", "428750005", "164930006", "55930002", "164861001", "426434006"}
FAST_ATRIA = {"AFIB", "AFLT"}
INFARCTS = {s.code for s in list_statements() if s.superclass == "MI"}
SINUS = {"SBRAD", "STACH", "SARRH"}


def ptbxl(root):
    """PTB-XL, 500 Hz where there, else 100 Hz; age and sex from the table."""
    fine = {p.stem[:5]: p for p in root.glob("ptbxl/records500/**/*.hea")}
    low = {p.stem[:5]: p for p in root.glob("ptbxl/records100/**/*.hea")}
    with (root / "ptbxl/scp_statements.csv").open(encoding="utf-8") as table:
        changes = {r[""] for r in csv.DictReader(table) if r["diagnostic_class"] == "STTC"}
    changes |= {"STD_", "INVT", "LOWT", "NT_", "TAB_", "STE_"}
    with (root / "ptbxl/ptbxl_database.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            key = f"{int(float(row['ecg_id'])):05d}"
            labels = set(ast.literal_eval(row["scp_codes"]))
            labels |= {{"ALAD": "LAD", "ARAD": "RAD"}.get(row["heart_axis"], row["heart_axis"])}
            labels |= {"any MI"} if labels & (INFARCTS | {"IPMI", "IPLMI"}) else set()
            labels |= {"any STTC"} if labels & changes else set()
            age = float(row["age"] or "nan")
            who = Patient(age_years=age, sex="female" if float(row["sex"]) else "male")
            part = "ptbxl 9" if float(row["strat_fold"]) == 9 else "ptbxl 1-8"
            yield part, key, fine.get(key, low.get(key)), labels, who


def ludb(root):
    """LUDB, statements of its table."""
    with (root / "ludb/ludb.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            text = "\n".join(v for k, v in row.items() if k not in ("ID", "Sex", "Age"))
            labels = {c for line in text.split("\n") for k, c in LUDB.items() if line.startswith(k)}
            path = root / f"ludb/data/{row['ID'].strip()}.hea"
            if path.exists():
                yield "ludb", path.stem, path, labels, None


def cinc2021(root):
    """Challenge 2021, statements of the headers; PTB-XL records and copies left out."""
    seen = set()
    for path in sorted(root.glob("cinc2021/**/*.hea")):
        if not path.stem.startswith("HR") and path.stem not in seen:
            seen.add(path.stem)
            text = path.read_text().replace(" ", "")
            dx = next((x for x in text.split("\n") if x.startswith("#Dx")), "")
            if any(code in SNOMED for code in dx[4:].strip().split(",")):  # some are in words
                yield "cinc2021", path.stem, path, None, None


def cinc2017(root):
    """Challenge 2017, single lead: N, A, O, ~."""
    with (root / "cinc2017/REFERENCE-train.csv").open(encoding="utf-8") as table:
        labels = {r[0]: {{"A": "AFIB", "N": "SR"}.get(r[1], r[1])} for r in csv.reader(table)}
    with (root / "cinc2017/REFERENCE.csv").open(encoding="utf-8") as table:
        labels |= {r[0]: {{"A": "AFIB", "N": "SR"}.get(r[1], r[1])} for r in csv.reader(table)}
    for path in sorted(root.glob("cinc2017/*.hea")):
        kept = labels[path.stem]
        if not kept & {"~", "O"}:  # other rhythms and noise say nothing about either
            yield "cinc2017 A vs N", path.stem, path, kept, None
        if "~" not in kept:
            yield "cinc2017 A vs N+O", path.stem, path, kept - {"SR"}, None


def cpsc2021(root):
    """Challenge 2021 of CPSC, two leads, minutes: fibrillation throughout, against none."""
    for path in sorted(root.glob("cpsc2021/**/*.hea")):
        text = path.read_text()
        if "paroxysmal" not in text:
            labels = {"AFIB"} if "persistent" in text else set()
            yield "cpsc2021", path.stem, path, labels, None


def wilson(k, n):
    """Return a proportion with Wilson's 95 % interval."""
    if not n:
        return (math.nan,) * 3
    p, z = k / n, 1.959964
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return p, max(0.0, middle - half), min(1.0, middle + half)


def tally(rows):
    """Count hits, misses and false findings of each statement in each part."""
    parts = {}
    for part, _key, labels, found, open_ in rows:
        parts.setdefault(part, []).append((labels, found, open_))
    scored = {s.code for s in list_statements()} | {"any MI", "any STTC", "AFIB or AFLT"}
    for part, members in parts.items():
        codes = sorted(set().union(*(m[0] for m in members)) & scored)
        for code in codes:
            hit = sum(code in a and code in b for a, b, _ in members)
            positive = sum(code in a for a, _, _ in members)
            false = sum(code not in a and code in b for a, b, _ in members)
            negative, open_ = len(members) - positive, sum(code in c for _, _, c in members)
            yield part, code, positive, negative, hit, false, open_


def labels_and_findings(part, key, record, labels, findings):
    """Put statements and findings on one footing: a sinus rate implies sinus rhythm."""
    if labels is None:
        given = {s.code for s in record.carried.statements}
        labels = {SNOMED[code] for code in given & set(SNOMED)}
        labels |= {"any STTC"} if given & SNOMED_STTC or labels & REPOLARISATION else set()
    found = {f.code for f in findings}
    labels = labels | ({"SR"} if labels & SINUS else set())
    labels |= {"2AVB"} if labels & {"MOBITZ1", "MOBITZ2"} else set()
    found |= {"any MI"} if found & INFARCTS else set()
    found |= {"any STTC"} if found & REPOLARISATION else set()
    labels |= {"AFIB or AFLT"} if labels & FAST_ATRIA else set()
    found |= {"AFIB or AFLT"} if found & FAST_ATRIA else set()
    return part, key, labels, found, {a.code for a in findings.abstained}


def main():
    """Score all, print a table, write it."""
    options = argparse.ArgumentParser()
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    given = options.parse_args()
    rows = []
    for source in (ptbxl, ludb, cinc2021, cinc2017, cpsc2021):
        for part, key, path, labels, patient in source(given.data):
            record = read(path)
            record = replace(record, patient=patient) if patient else record
            rows.append(labels_and_findings(part, key, record, labels, judge_by_rules(record)))
    given.out.mkdir(parents=True, exist_ok=True)
    write_table(rows, given.out / "classification_rules.csv")


def write_table(rows, path):
    """Print the table and write it as CSV."""
    names = "part statement positive negative hits false_findings abstained se se_low se_high"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(f"{names} sp sp_low sp_high ppv ppv_low ppv_high".split())
        for part, code, positive, negative, hit, false, open_ in tally(rows):
            figures = [wilson(hit, positive), wilson(negative - false, negative)]
            figures.append(wilson(hit, hit + false))
            table.writerow([part, code, positive, negative, hit, false, open_]
                           + [f"{x:.3f}" for f in figures for x in f])  # fmt: skip
            shown = "  ".join(
                f"{w} {100 * p:5.1f} [{100 * a:5.1f}, {100 * b:5.1f}]"
                for w, (p, a, b) in zip(("Se", "Sp", "+P"), figures, strict=True)
            )
            counts = f"{hit:4d}/{positive:<4d} false {false:3d} abstained {open_:3d}"
            print(f"{part:18s} {code:12s} {counts}  {shown}")


if __name__ == "__main__":
    main()
