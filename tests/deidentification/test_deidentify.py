# SPDX-License-Identifier: Apache-2.0
"""Nothing of the patient, the staff, the place or the day stays; what measures the heart does."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime

import numpy as np
import pytest

from precordia.core.errors import FormatError, OptionError
from precordia.core.fiducials import Waves
from precordia.core.measurements import MedianBeat
from precordia.core.record import Annotations, Companion, Patient, Remark
from precordia.core.statements import Statement
from precordia.deidentification.deidentify import deidentify
from precordia.deidentification.pseudonyms import Pseudonyms, load_key, make_key
from precordia.deidentification.removed import removed_between
from precordia.delineation.delineate import delineate
from precordia.generation.simulate import simulate

KEY = bytes(range(32))
NAME, NUMBER, WARD = "Wilhelmina Quastenflosser", "PAT-0815-4711", "Kardiologie Nord 7b"


@pytest.fixture(scope="module")
def names():
    return Pseudonyms(KEY)


def test_nothing_that_names_anybody_stays_in_any_field(names, told):
    after = deidentify(told(), pseudonyms=names)
    text = after.to_json().lower()
    for word in (
        "quast",
        "wilhelm",
        "0815",
        "zwiebel",
        "kardiologie",
        "tuesday",
        "1931",
        "1.2.840",
    ):
        assert word not in text, word
    assert "2024-11-05" not in text


def test_what_measures_the_heart_stays(names, told):
    before = told()
    after = deidentify(before, pseudonyms=names)
    assert np.array_equal(after.signal, before.signal)
    assert after.leads == ("I", "II", "unknown-3")
    assert after.carried.measurements == before.carried.measurements
    assert [s.code for s in after.carried.statements] == ["sinus rhythm", "426783006"]
    assert after.carried.annotations.symbol == ("N", "+")
    assert after.carried.annotations.aux == ("", "(AFIB")
    assert after.carried.header["device_model"] == "ELI 250"
    assert [c.name for c in after.companions] == ["RESP", "signal 2"]
    assert [r.code for r in after.remarks] == ["b"]
    assert (after.patient.sex, after.patient.age_years) == ("female", 90.0)
    assert after.start_time.time() == before.start_time.time()


@pytest.mark.parametrize(("age", "kept"), [(42.0, 42.0), (89.0, 89.0), (89.5, 90.0), (103, 90.0)])
def test_very_old_people_share_one_age(names, age, kept, told):
    after = deidentify(told(patient=Patient(age_years=age)), pseudonyms=names)
    assert after.patient.age_years == kept


def test_one_patient_keeps_one_pseudonym_and_one_shift_of_dates(names, told):
    first = deidentify(told(), pseudonyms=names)
    later = deidentify(told(start_time=datetime(2024, 12, 5, 9, 0)), pseudonyms=Pseudonyms(KEY))
    assert first.patient.patient_id == later.patient.patient_id
    assert (later.start_time.date() - first.start_time.date()).days == 30
    assert first.start_time.date() < date(2024, 11, 5)
    other = deidentify(told(patient=Patient(patient_id="another")), pseudonyms=names)
    assert other.patient.patient_id != first.patient.patient_id


def test_identifiers_are_remapped_alike_and_validly(names, told):
    uid = names.uid("1.2.840.99.1.2.3")
    assert uid == names.uid("1.2.840.99.1.2.3") != names.uid("1.2.840.99.1.2.4")
    assert uid.startswith("2.25.")
    assert len(uid) <= 64
    assert int(uid[5:]) < 2**128
    assert deidentify(told(), pseudonyms=names).carried.header["study_uid"] == uid


def test_another_key_gives_other_pseudonyms(names, told):
    first, other = (
        deidentify(told(), pseudonyms=p).patient.patient_id for p in (names, Pseudonyms(make_key()))
    )
    assert first != other


def test_records_of_nobody_are_different_strangers(names, told):
    alone = [told(patient=Patient()), told(patient=Patient(), signal=np.zeros((3, 500)))]
    first, second = (deidentify(r, pseudonyms=names).patient.patient_id for r in alone)
    assert first != second


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "leak",
    [NAME, NAME.upper(), "Quastenflosser^Wilhelmina", NUMBER, "09.07.1931",
     "19310709", "1931-07-09",
     "05-Nov-2024", WARD, "Zwiebelfisch", "pain since", "1.2.840.99.1.2.3"],
)  # fmt: skip
def test_the_search_finds_every_spelling(names, encoding, leak, told):
    before = told()
    removed = removed_between(before, deidentify(before, pseudonyms=names))
    clean = bytes(range(256)) * 20
    assert removed.leaks(clean) == ()
    assert removed.leaks(clean + leak.encode(encoding) + clean) != ()


def test_digits_of_samples_are_no_leak(names, told):
    before = told(patient=Patient(patient_id="815", name="Li Wu"))
    removed = removed_between(before, deidentify(before, pseudonyms=names))
    samples = b"1 815 -20 815 3"
    assert removed.leaks(samples, samples) == ()
    assert removed.leaks(samples + b" 815", samples) == ("patient identifier",)


def test_a_key_file_is_made_once_and_for_its_owner_only(tmp_path):
    path = tmp_path / "secret.key"
    key = load_key(path)
    assert load_key(path) == key
    assert len(key) == 32
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "no key", "abcd", "zz" * 32])
def test_a_file_that_is_no_key_is_refused(tmp_path, text):
    path = tmp_path / "x.key"
    path.write_text(text)
    with pytest.raises(FormatError, match="key"):
        load_key(path)


def test_a_short_key_is_refused():
    with pytest.raises(OptionError):
        Pseudonyms(b"short")


def test_printing_tells_nothing(names, told):
    after = deidentify(told(), pseudonyms=names)
    assert "Quast" not in repr(after) + repr(dataclasses.asdict(after.patient))


def test_names_that_only_begin_like_a_known_one_do_not_stay(names, told):
    before = told(
        leads=("II (Quastenflosser)", "II #Quastenflosser", "ECG 2"),
        companions=(
            Companion(name="Resp Quastenflosser", signal=np.zeros(5), fs=1.0, unit="of Wilhelmina"),
            Companion(name="Art. Druck 0815", signal=np.zeros(5), fs=1.0, unit="mmHg"),
        ),
    )
    after = deidentify(before, pseudonyms=names)
    assert after.leads == ("II", "unknown-2", "ECG 2")
    assert [(c.name, c.unit) for c in after.companions] == [("Resp", ""), ("Art", "mmHg")]


def test_leads_are_renamed_wherever_they_stand(names, told):
    before = told()
    leads, lead = before.leads, before.leads[2]
    median = MedianBeat(signal=np.zeros((3, 600), np.float32), fs=500, leads=leads)
    waves = dataclasses.replace(delineate(simulate(seed=1)), leads={})
    fields = {f.name: getattr(waves, f.name) for f in dataclasses.fields(Waves)}
    marks = dataclasses.replace(waves, leads={lead: Waves(**fields)})
    remark = Remark(code="flat", text="One lead is flat.", leads=(lead,))
    carried = dataclasses.replace(before.carried, median=median, fiducials=marks)
    after = deidentify(told(carried=carried, remarks=(remark,)), pseudonyms=names)
    assert after.carried.median.leads == ("I", "II", "unknown-3")
    assert (*after.carried.fiducials.leads,) == ("unknown-3",)
    assert after.remarks[0].leads == ("unknown-3",)
    assert "uastenflosser" not in after.to_json()


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        (Statement(code="SB", scheme="philips", name="SINUS BRADYCARDIA: see Dr Zwiebelfisch"),
         ("SB", "philips", "SINUS BRADYCARDIA")),
        (Statement(code="MDC_ECG_RHY_SINUS_RHY", scheme="mdc", name="Quastenflosser's rhythm"),
         ("MDC_ECG_RHY_SINUS_RHY", "mdc", "")),
        (Statement(code="Q1", scheme="kardiologie nord 7b", name="sinus rhythm"),
         ("sinus rhythm", "text", "")),
        (Statement(code="Dr Zwiebelfisch", scheme="mdc", name="Zwiebelfisch"), None),
    ],
)  # fmt: skip
def test_beside_a_code_only_known_phrases_stay(names, told, statement, kept):
    carried = dataclasses.replace(told().carried, statements=(statement,))
    after = deidentify(told(carried=carried), pseudonyms=names).carried.statements
    assert [(s.code, s.scheme, s.name) for s in after] == ([] if kept is None else [kept])


def test_words_in_annotations_remarks_and_device_entries_do_not_stay(names, told):
    marks = Annotations(
        sample=np.array([1, 2, 3]), symbol=("N", "JANE", "+"), aux=("", "", "(ZWIEBEL")
    )
    before = told().carried
    header = before.header | {"device_model": f"ELI of {WARD}", "manufacturer": "Mortara"}
    carried = dataclasses.replace(before, annotations=marks, header=header)
    remark = Remark(code="unit", text="A number called 'Zwiebelfisch' was left out.")
    after = deidentify(told(carried=carried, remarks=(remark,)), pseudonyms=names)
    assert after.carried.annotations.symbol == ("N", '"', "+")
    assert after.carried.annotations.aux == ("", "", "")
    assert (after.remarks, "device_model" in after.carried.header) == ((), False)
    assert after.carried.header["manufacturer"] == "Mortara"
