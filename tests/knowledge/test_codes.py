# SPDX-License-Identifier: Apache-2.0
import csv
import gzip

import pytest

from precordia.core.errors import UnknownNameError
from precordia.knowledge.codes import find_code, list_codes, translate_code
from precordia.knowledge.statements import list_statements


def _rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_scp_code_is_as_ptbxl_publishes_it(shared_data):
    published = {row[""]: row for row in _rows(shared_data / "ptbxl/scp_statements.csv")}
    assert {c.code for c in list_codes("scp-ecg")} == set(published)
    for c in list_codes("scp-ecg"):
        row = published[c.code]
        kinds = tuple(k for k in ("diagnostic", "form", "rhythm") if row[k])
        said = (c.name, c.tasks, c.superclass, c.subclass, c.aha)
        classes = (row["diagnostic_class"], row["diagnostic_subclass"], row["AHA code"])
        assert said == (row["description"], kinds, *classes)


def test_every_class_of_the_challenge_is_as_it_publishes_it(shared_data):
    folder = shared_data / "cinc2021"
    published = {}
    for name in ("scored", "unscored"):
        for row in _rows(folder / f"eval2021/dx_mapping_{name}.csv"):
            published[row["SNOMEDCTCode"]] = (row["Abbreviation"], name == "scored")
    scored_2020 = {r["SNOMED CT Code"] for r in _rows(folder / "eval2020/dx_mapping_scored.csv")}
    assert {c.code for c in list_codes("snomed-ct")} == set(published)
    for c in list_codes("snomed-ct"):
        assert (c.abbreviation, 2021 in c.scored) == published[c.code]
        assert (2020 in c.scored) == (c.code in scored_2020)


def test_classes_scored_as_one_are_those_of_the_weights(shared_data):
    with (shared_data / "cinc2021/eval2021/weights.csv").open(encoding="utf-8") as file:
        head = next(csv.reader(file))[1:]
    pairs = {frozenset(name.split("|")) for name in head if "|" in name}
    ours = {frozenset((c.code, c.same_as)) for c in list_codes("snomed-ct") if c.same_as}
    assert ours == pairs


#: statements of PTB-XL that the challenge turned into one concept each, or several into one
COUNTED = {
    "164889003": "AFIB", "164890007": "AFLT", "713427006": "CRBBB", "270492004": "1AVB",
    "713426002": "IRBBB", "445118002": "LAFB", "164909002": "CLBBB", "251146004": "LVOLT",
    "698252002": "IVCD", "284470004": "PAC", "10370003": "PACE", "164947007": "LPR",
    "111975006": "LNGQT", "164917005": "QWAVE", "427393009": "SARRH", "426177001": "SBRAD",
    "427084000": "STACH", "63593006": "SVARR", "59931005": "INVT", "426434006": "ISCAN",
    "27885002": "3AVB", "195042002": "2AVB", "425419005": "ISCIN", "251120003": "ILBBB",
    "67741000119109": "LAO/LAE", "425623009": "ISCLA", "445211001": "LPFB", "67198005": "PSVT",
    "446358003": "RAO/RAE", "89792004": "RVH", "55930002": "NST_", "429622005": "STD_",
    "164931005": "STE_", "426761007": "SVTAC", "11157007": "BIGU", "164884008": "PVC",
    "266249003": "SEHYP", "251180001": "TRIGU", "74390002": "WPW", "54329005": "AMI",
    "164951009": "ABQRS", "164934002": "NDT NT_ LOWT TAB_", "428750005": "DIG EL ANEUR",
    "164861001": "ISC_ ISCAL ISCIL ISCAS", "426783006": "SR NORM",
}  # fmt: skip


def test_records_with_a_statement_are_as_many_as_with_its_concept(shared_data):
    """The challenge counted PTB-XL 1.0.1; withdrawn records make the small difference."""
    folder = shared_data / "ptbxl_norm/labels_hubert"
    having: dict[str, set[str]] = {}
    for part in ("train", "val", "test"):
        with gzip.open(folder / f"ptbxl_all_{part}.csv.gz", "rt") as file:
            for row in csv.DictReader(file):
                for code, value in row.items():
                    if value == "1":
                        having.setdefault(code, set()).add(row["filename"])
    published = {}
    for name in ("scored", "unscored"):
        for row in _rows(shared_data / f"cinc2021/eval2021/dx_mapping_{name}.csv"):
            published[row["SNOMEDCTCode"]] = int(row["PTB_XL"])
    for concept, codes in COUNTED.items():
        together = set().union(*(having[code] for code in codes.split()))
        assert len(together) == pytest.approx(published[concept], rel=0.02, abs=2), concept
        for code in codes.split():
            assert concept in {r.code for r in translate_code(code, "scp-ecg")}, code


#: what the challenge calls the concepts of our own codes
OWN = {
    "VTACH": "ventricular tachycardia", "BRADY": "bradycardia",
    "MOBITZ1": "mobitz type i wenckebach atrioventricular block",
    "MOBITZ2": "mobitz type ii atrioventricular block",
    "JUNC": "atrioventricular junctional rhythm", "EATR": "atrial rhythm",
    "VCOUP": "paired ventricular premature complexes", "SHTQT": "decreased qt interval",
    "PRWP": "poor r wave progression", "HIGHT": "high t-voltage",
    "EREPOL": "early repolarization", "LAD": "left axis deviation", "RAD": "right axis deviation",
}  # fmt: skip


def test_concepts_of_our_own_codes_are_those_that_the_challenge_names(shared_data):
    names = {}
    for part in ("scored", "unscored"):
        for row in _rows(shared_data / f"cinc2021/eval2021/dx_mapping_{part}.csv"):
            names[row["SNOMEDCTCode"]] = row["Dx"].lower()
    own = {s.code: s.snomed_ct for s in list_statements() if s.scheme == "precordia"}
    assert {code: names[concept] for code, concept in own.items() if concept} == OWN


#: Verhoeff's dihedral scheme: how a digit moves with its place, and how two are put together
MOVED = ["0123456789", "1576283094", "5803796142", "8916043527",
         "9453126870", "4286573901", "2793806415", "7046913258"]  # fmt: skip
JOINED = ["0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
          "5987604321", "6598710432", "7659821043", "8765932104", "9876543210"]  # fmt: skip


def check_sum(code):
    held = 0
    for place, digit in enumerate(reversed(code)):
        held = int(JOINED[held][int(MOVED[place % 8][int(digit)])])
    return held


def test_every_snomed_code_has_the_check_digit_of_a_concept():
    """Verhoeff J. Error detecting decimal codes. Amsterdam, 1969; SNOMED CT release file guide."""
    codes = [c.code for c in list_codes("snomed-ct")]
    codes += [s.snomed_ct for s in list_statements() if s.snomed_ct]
    for code in codes:
        assert check_sum(code) == 0, code
        assert code[-3:-1] in ("00", "10"), code  # a concept, of the core or of an extension
    assert check_sum("164889002") != 0


def test_every_relation_leads_to_a_known_code_and_back():
    turned = {"same": "same", "near": "near", "broader": "narrower"}
    for c in list_codes("scp-ecg"):
        for r in translate_code(c.code, "scp-ecg"):
            assert find_code(r.code, r.scheme) is not None
            back = {b.code: b.relation for b in translate_code(r.code, r.scheme)}
            assert back[c.code] == turned[r.relation]


def test_relations_agree_with_the_statements_that_are_made():
    for s in list_statements():
        if s.scheme == "scp-ecg" and s.snomed_ct:
            assert s.snomed_ct in {r.code for r in translate_code(s.code, "scp-ecg")}, s.code


def test_only_statements_without_a_fitting_concept_have_none():
    without = {c.code for c in list_codes("scp-ecg") if not translate_code(c.code, "scp-ecg")}
    assert without == {"INJAS", "INJAL", "INJIN", "INJLA", "INJIL", "HVOLT", "PRC(S)"}


def test_an_unknown_scheme_is_refused_and_an_unknown_code_has_no_relation():
    with pytest.raises(UnknownNameError, match="no scheme of codes 'icd'"):
        list_codes("icd")
    assert translate_code("NOSUCH", "scp-ecg") == ()
    assert find_code("NOSUCH", "scp-ecg") is None
