# SPDX-License-Identifier: Apache-2.0
"""Every database in small: its published files and names, with noise for signals."""

import csv
import struct
from pathlib import Path

import numpy as np

STANDARD = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
CODES = {"N": 1, "L": 2, "A": 8, "V": 5, "F": 6, "/": 12, "Q": 13}


def write_wfdb(place: Path, *, leads=STANDARD, fs=500, n=600, comments=(), matlab=False):
    """Write a record by the rules of header(5), independently of the package."""
    place.parent.mkdir(parents=True, exist_ok=True)
    seed = sum(map(ord, place.name))
    samples = np.random.default_rng(seed).integers(-900, 900, (n, len(leads))).astype("<i2")
    end, shift = (".mat", 24) if matlab else (".dat", 0)
    kind = f"16+{shift}" if shift else "16"
    lines = [f"{place.name} {len(leads)} {fs} {n}"]
    for column, lead in enumerate(leads):
        first, total = samples[0, column], int(samples[:, column].astype(int).sum())
        check = (total + 32768) % 65536 - 32768
        lines.append(f"{place.name}{end} {kind} 1000/mV 16 0 {first} {check} 0 {lead}")
    lines += [f"#{line}" for line in comments]
    Path(f"{place}.hea").write_text("\n".join(lines) + "\n")
    head = struct.pack("<5i4s", 30, len(leads), n, 0, 4, b"val\0") if shift else b""
    Path(f"{place}{end}").write_bytes(head + samples.tobytes())


def write_marks(place: Path, marks):
    """Write annotations by the rules of annot(5): (sample, symbol) pairs."""
    content, last = b"", 0
    for sample, symbol in marks:
        step = sample - last
        if step > 1023:
            content += struct.pack("<H", 59 << 10)
            content += struct.pack("<HH", step >> 16, step & 0xFFFF)
            step = 0
        content += struct.pack("<H", CODES[symbol] << 10 | step)
        last = sample
    place.write_bytes(content + b"\0\0")


def write_csv(path: Path, head, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])


PTBXL = (
    # ecg_id, patient, age, sex, statements, fold
    (1, "15709.0", "56.0", 1, {"NORM": 100.0, "LVOLT": 0.0, "SR": 0.0}, 3),
    (2, "13243.0", "19.0", 0, {"NORM": 80.0, "SBRAD": 0.0}, 2),
    (3, "20372.0", "37.0", 1, {"IMI": 35.0, "ASMI": 50.0, "SR": 0.0}, 5),
    (4, "20372.0", "300.0", 1, {"NDT": 100.0, "AFIB": 0.0}, 5),
    (5, "17014.0", "24.0", 0, {"CLBBB": 100.0, "1AVB": 100.0, "SR": 0.0}, 9),
    (6, "17448.0", "", 1, {"LVH": 0.0, "VCLVH": 0.0, "SR": 0.0}, 10),
    (7, "19005.0", "18.0", 0, {"SR": 0.0}, 10),
    (137, "15709.0", "56.0", 1, {"NORM": 100.0}, 3),
)


def build_ptbxl(folder):
    head = [
        "ecg_id",
        "patient_id",
        "age",
        "sex",
        "recording_date",
        "report",
        "scp_codes",
        "strat_fold",
        "filename_lr",
        "filename_hr",
    ]
    rows = []
    for ecg, patient, age, sex, codes, fold in PTBXL:
        low, high = (f"records{fs}/00000/{ecg:05d}_{end}" for fs, end in ((100, "lr"), (500, "hr")))
        write_wfdb(folder / low, fs=100, n=1000)
        write_wfdb(folder / high, fs=500, n=5000)
        rows.append((ecg, patient, age, sex, "1984", "sinusrhythmus", str(codes), fold, low, high))
    write_csv(folder / "ptbxl_database.csv", head, rows)


def build_ludb(folder):
    head = [
        "ID",
        "Sex",
        "Age",
        "Rhythms",
        "Electric axis of the heart",
        "Conduction abnormalities",
        "Extrasystolies",
        "Hypertrophies",
        "Cardiac pacing",
        "Ischemia",
        "Non-specific repolarization abnormalities",
        "Other states",
    ]
    axis = "Electric axis of the heart: normal"
    rows = [
        (1, "F\n", "51\n", "Sinus bradycardia", axis, "", "", "Left ventricular\n", "", "", "", ""),
        (2, "M\n", "64\n", "Sinus rhythm", axis, "", "", "", "", "", "", ""),
        (3, "M\n", "70\n", "Sinus rhythm\nAtrial fibrillation", axis, "", "", "", "", "", "", ""),
    ]
    write_csv(folder / "ludb.csv", head, rows)
    for k in (1, 2, 3):
        write_wfdb(folder / f"data/{k}", leads=[x.lower() for x in STANDARD])


def build_mitdb(folder):
    for name in ("100", "101", "102", "201", "202"):
        write_wfdb(folder / name, leads=["MLII", "V1"], fs=360, n=4000, comments=["69 M 1 2 x1"])
        kinds = "N/A" if name == "102" else "NAV"
        write_marks(folder / f"{name}.atr", [(400 * (k + 1), c) for k, c in enumerate(kinds)])


def build_nstdb(folder):
    for name in ("bw", "em", "ma", "118e06", "118e_6", "119e24"):
        write_wfdb(folder / name, leads=["MLII", "V1"], fs=360)
        if name[0] == "1":
            write_marks(folder / f"{name}.atr", [(100, "N")])


def build_cinc2011(folder):
    lists = {"acceptable": ("1002603", "1003574"), "unacceptable": ("1005639", "1009404")}
    for verdict, names in lists.items():
        (folder / f"RECORDS-{verdict}").write_text("\n".join(names) + "\n")
        for name in names:
            write_wfdb(folder / "set-a" / name)


def build_cinc2017(folder):
    rows = [("A00001", "N"), ("A00002", "N"), ("A00004", "A"), ("A00005", "O"), ("A00205", "~")]
    for part in ("training/A00", "validation"):
        for name, _ in rows[: 2 if part == "validation" else None]:
            write_wfdb(folder / part / name, leads=["ECG"], fs=300, matlab=True)
    (folder / "REFERENCE-v3.csv").write_text("".join(f"{a},{b}\n" for a, b in rows))


def _challenge(folder, records):
    for place, codes in records.items():
        said = ["Age: 60", "Sex: Female", f"Dx: {codes}", "Rx: Unknown"]
        write_wfdb(folder / "training" / place, comments=said, matlab=True)


_OF_BOTH = {
    "cpsc_2018/g1/A0001": "59118001",
    "cpsc_2018/g1/A0002": "426783006",
    "cpsc_2018_extra/g1/Q0001": "284470004,164889003",
    "st_petersburg_incart/g1/I0001": "17338001",
    "ptb/g1/S0001": "426783006",
    "ptb-xl/g1/HR00001": "251146004,426783006",
    "georgia/g1/E00001": "713427006",
    "georgia/g1/E00002": "63593006,270492004",
}


def build_cinc2020(folder):
    _challenge(folder, _OF_BOTH)


def build_cinc2021(folder):
    of_2021 = {
        "chapman_shaoxing/g1/JS00001": "164889003,733534002",
        "ningbo/g1/JS10647": "426177001,164909002",
    }
    _challenge(folder, _OF_BOTH | of_2021)


def build_georgia(folder):
    _challenge(folder, {f"georgia/g1/E0000{k}": "426177001,164934002" for k in (1, 2, 3)})


def build_chapman_ningbo(folder):
    codes = ("426177001", "164890007,164934002", "427084000", "427393009", "270492004")
    for k, code in enumerate(codes, 1):
        said = ["Age: 60", "Sex: Male", f"Dx: {code}"]
        write_wfdb(folder / f"WFDBRecords/01/010/JS0000{k}", comments=said, matlab=True)


def build_cpsc2018(folder):
    from scipy.io import savemat

    rows = [("A0001", 5, "", ""), ("A0002", 1, "", ""), ("A0003", 2, 5, 8)]
    write_csv(
        folder / "REFERENCE.csv", ["Recording", "First_label", "Second_label", "Third_label"], rows
    )
    for name, *_ in rows:
        (folder / "TrainingSet1").mkdir(exist_ok=True)
        data = np.random.default_rng(1).normal(size=(12, 3000))
        ecg = {"sex": "Female", "age": 74, "data": data}
        savemat(folder / f"TrainingSet1/{name}.mat", {"ECG": ecg})


def build_cpsc2021(folder):
    classes = {"0": "non", "8": "persistent", "21": "paroxysmal"}
    for holter, kind in classes.items():
        for excerpt in (1, 2, 3):
            name = folder / f"Training_set_I/data_{holter}_{excerpt}"
            write_wfdb(name, leads=["I", "II"], fs=200, comments=[f" {kind} atrial fibrillation"])
            write_marks(Path(f"{name}.atr"), [(100, "N"), (300, "N")])


def build_sph(folder):
    import h5py

    head = ["ECG_ID", "AHA_Code", "Patient_ID", "Age", "Sex", "N", "Date"]
    rows = [
        ("A00001", "22;23", "S00001", 55, "M", 5000, "2020-03-04"),
        ("A00002", "1", "S00002", 32, "M", 6000, "2019-09-03"),
        ("A00003", "60+310;50", "S00002", 63, "F", 6500, "2020-07-16"),
    ]
    write_csv(folder / "metadata.csv", head, rows)
    words = [(1, "Normal ECG"), (22, "Sinus bradycardia"), (60, "VPC")]
    write_csv(folder / "code.csv", ["Code", "Description"], words)
    (folder / "records").mkdir()
    for name, *_, n, _ in rows:
        with h5py.File(folder / f"records/{name}.h5", "w") as file:
            values = np.random.default_rng(2).normal(size=(12, int(n)))
            file["ecg"] = values.astype("<f2")


def _tracings(path, exams, n_recorded=2800):
    import h5py

    values = np.zeros((len(exams) + 1, 4096, 12), "<f4")
    begin = (4096 - n_recorded) // 2
    noise = np.random.default_rng(3).normal(size=(len(exams), n_recorded, 12))
    values[:-1, begin : begin + n_recorded] = noise
    with h5py.File(path, "w") as file:
        file["exam_id"] = np.array([*exams, 0], "<i8")  # the last row belongs to no exam
        file["tracings"] = values


def build_code15(folder):
    head = [
        "exam_id",
        "age",
        "is_male",
        "nn_predicted_age",
        "1dAVb",
        "RBBB",
        "LBBB",
        "SB",
        "ST",
        "AF",
        "patient_id",
        "death",
        "timey",
        "normal_ecg",
        "trace_file",
    ]

    def row(exam, patient, part, *found):
        six = [str(name in found) for name in ("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF")]
        file = f"exams_part{part}.hdf5"
        return (exam, 60, "True", 58.1, *six, patient, "", "", str(not found), file)

    rows = [
        row(1169160, 523632, 0, "RBBB"), row(2873686, 1724173, 0), row(168405, 51421, 1, "AF"),
        row(271011, 51421, 1, "AF", "LBBB"), row(999999, 7, 17),
    ]  # fmt: skip
    write_csv(folder / "exams.csv", head, rows)
    _tracings(folder / "exams_part0.hdf5", [2873686, 1169160])
    _tracings(folder / "exams_part1.hdf5", [168405, 271011])


def build_sami_trop(folder):
    head = ["exam_id", "age", "is_male", "normal_ecg", "death", "timey", "nn_predicted_age"]
    rows = [(294669, 67, "True", "False", "True", 1.2, 70), (291209, 52, "False", "True", "False",
            2.0, 50), (287355, 60, "False", "False", "False", 2.0, 61)]  # fmt: skip
    write_csv(folder / "exams.csv", head, rows)
    _tracings(folder / "exams.hdf5", [291209, 294669, 287355])


def build_mimic_iv_ecg(folder):
    leads = ["I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6"]
    rows, machine = [], []
    for subject, study in ((10000032, 40689238), (10000032, 44458630), (10000117, 45090959)):
        path = f"files/p{str(subject)[:4]}/p{subject}/s{study}/{study}"
        write_wfdb(folder / path, leads=leads, n=5000)
        rows.append((subject, study, study, "2180-07-23 08:44:00", path))
        machine.append((subject, study, 6848296, "2180-07-23 08:44:00", "Sinus rhythm",
                        "Normal ECG", 659, 29999))  # fmt: skip
    write_csv(
        folder / "record_list.csv",
        ["subject_id", "study_id", "file_name", "ecg_time", "path"],
        rows,
    )
    head = ["subject_id", "study_id", "cart_id", "ecg_time", "report_0", "report_1", "rr_interval"]
    write_csv(folder / "machine_measurements.csv", [*head, "p_onset"], machine)
    write_csv(
        folder / "d_labitems.csv", ["itemid", "label", "fluid"], [(51222, "Hemoglobin", "Blood")]
    )
    limits = ["valuenum", "ref_range_lower", "ref_range_upper"]
    write_csv(
        folder / "labevents.csv",
        ["subject_id", "itemid", "charttime", *limits],
        [(10000032, 51222, "2180-07-23 08:00:00", 9.5, 12, 16)],
    )


def build_apnea_ecg(folder):
    counts = {"a01": 100, "a05": 120, "b01": 5, "c01": 4, "x01": 130}
    body = {"a01": "51 M 175 102", "a05": "58 M 176 78", "b01": "44 F 170 60",
            "c01": "31 M 184 74", "x01": "58 M 176 78"}  # fmt: skip
    lines = ["Record Length non-apn apnea hours AI HI AHI Age Sex height weight"]
    for name, n_apnea in counts.items():
        n = 140
        write_wfdb(folder / name, leads=["ECG"], fs=100, n=600)
        marks = [(6000 * k, "A" if k < n_apnea else "N") for k in range(n)]
        write_marks(folder / f"{name}.apn", marks)
        lines.append(f"{name}\t490\t20\t{n_apnea}\t9\t12.5\t57.1\t69.6\t" + body[name])
    (folder / "additional-information.txt").write_text("\n".join(lines) + "\n")


def build_exercise_ecg(folder):
    for subject in (1, 10, 14, 22):
        for phase in (1, 2):
            name = f"ecg_enh_sub{subject}_seg{phase}"
            peaks, wave = spikes(5000, 250, rate=150 + subject, seed=subject)
            for stem, values in ((name, wave), (name.replace("_enh", "_raw"), wave + 500)):
                place = folder / f"ecg_segments/{stem}.csv"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text("".join(f"{value:.2f},0\n" for value in values))
            place = folder / f"manual_annotations/{name}_labels.csv"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("".join(f"{peak},1,{wave[peak]:.1f}\n" for peak in peaks))


def spikes(n, fs, *, rate, seed=0):
    """Return places of beats of a rate in 1/min, and a signal in uV that peaks there."""
    rng = np.random.default_rng(seed)
    intervals = 60 / rate * (1 + 0.05 * rng.normal(size=n)) * fs
    peaks = np.cumsum(intervals).astype(int)
    peaks = peaks[peaks < n - 20]
    time = np.arange(n)[:, None]
    wave = 1000 * np.exp(-(((time - peaks) / (0.012 * fs)) ** 2) / 2).sum(axis=1)
    return peaks, wave + 20 * rng.normal(size=n)


def build_deepbeat(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(4)
    for name, n in (("train", 40), ("validate", 20), ("test", 24)):
        af = np.arange(n) % 2
        beat = np.where(af, 3.0, 1.2)[:, None] * 2 * np.pi * np.arange(800) / 32
        waves = np.sin(beat + rng.uniform(0, 6, (n, 1))) + 3 + 0.025 * rng.normal(size=(n, 800))
        np.savez_compressed(
            folder / f"{name}.npz",
            signal=waves[:, :, None],
            rhythm=np.eye(2)[af],
            qa_label=np.eye(3)[rng.integers(0, 3, n)],
            parameters=np.array([["t", "ppg", k] for k in range(n)], object),
        )
        np.save(folder / f"{name}_subjects.npy", np.arange(n) // 4 + 100 * len(name))


def build_folder(folder):
    rows = [
        ("a/1.hea", "p1", "normal", 40, "F", "train"),
        ("a/2.hea", "p1", "AF;LBBB", 41, "F", "train"),
        ("b/3.hea", "p2", "AF", 70, "M", "test"), ("b/4.hea", "p3", "", "", "", "validation"),
    ]  # fmt: skip
    head = ["path", "patient_id", "label", "age", "sex", "fold"]
    write_csv(folder / "labels.csv", head, rows)
    for path, *_ in rows:
        write_wfdb((folder / path).with_suffix(""))


BUILDERS = {
    name.removeprefix("build_"): build
    for name, build in list(globals().items())
    if name.startswith("build_")
}
