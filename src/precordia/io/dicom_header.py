# SPDX-License-Identifier: Apache-2.0
"""The attributes of a DICOM data set that are worth keeping as text, under the shared names."""

from __future__ import annotations

from precordia.io.dicom_dataset import Dataset

#: attributes by the names that header entries have in all formats
_NAMES = {
    0x00080070: "manufacturer",
    0x00081090: "device_model",
    0x00181000: "device_serial",
    0x00181020: "software_version",
    0x00080016: "sop_class",
    0x00080018: "instance_uid",
    0x0020000D: "study_uid",
    0x0020000E: "series_uid",
    0x00200010: "acquisition_id",
    0x00080050: "order_number",
    0x00380010: "visit_number",
    0x00080080: "institution",
    0x00080081: "institution_address",
    0x00081040: "department",
    0x00081010: "station",
    0x00380300: "location",
    0x00080090: "referring_physician",
    0x00081048: "physician",
    0x00081050: "performing_physician",
    0x00081060: "confirmed_by",
    0x00081070: "operator",
    0x00081030: "study_description",
    0x0008103E: "series_description",
    0x00101000: "other_patient_ids",
    0x00101040: "patient_address",
    0x00102154: "patient_telephone",
    0x00102160: "ethnic_group",
    0x00102180: "occupation",
    0x001021B0: "history",
    0x00104000: "comment",
}
HEADER_TAGS = frozenset(_NAMES)


def header_texts(dataset: Dataset) -> dict[str, str]:
    """Return those attributes that a data set has, by name."""
    found = {name: dataset.text(tag).replace("^", " ").strip() for tag, name in _NAMES.items()}
    return {name: text for name, text in found.items() if text}
