# SPDX-License-Identifier: Apache-2.0
"""Why a lead is hard to read: thresholds on its indices, each with its origin."""

from __future__ import annotations

from dataclasses import dataclass

from precordia.core.quality import QualityReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonSettings:
    """Limits beyond which an index becomes a reason.

    Attributes
    ----------
    flat_fraction
        Share of the lead that stands still. Silva et al. 2011 reject a constant lead; half of
        the time is our choice.
    missing_fraction
        Share of samples that are missing.
    rail_fraction
        Share of 0.1 s blocks that stand still at the lead's own highest or lowest value.
    offset_mv
        Mean of the lead in mV; IEC 60601-2-25 asks amplifiers to bear a 300 mV electrode
        offset, after the high-pass of the device no mean of many millivolts remains.
    baseline_mv
        Range of the content below 0.7 Hz; the IEC 60601-2-25 noise test uses 1 mV peak to peak
        at 0.3 Hz.
    baseline_ratio
        The same relative to the QRS of the typical lead.
    mains_uv
        Amplitude (peak) of the 50 or 60 Hz line; the IEC test uses 50 uV peak to peak = 25 uV.
    noise_uv
        Root mean square above 25 Hz in the quieter third of the lead. The IEC test adds 25 uV of
        white noise up to 150 Hz; the share of it that this index sees is 12 uV.
    noise_ratio
        The same relative to the QRS of the lead, our choice.
    off_scale_fraction
        Share of the lead that is more than four typical QRS heights away.
    low_amplitude_mv
        QRS peak to peak below which a lead shows hardly any deflection.
    template_correlation
        Likeness of beats to the median beat; Orphanidou et al. 2015 ask for 0.66.
    lead_score
        Score below which a lead counts as not usable whatever the reason.
    """

    flat_fraction: float = 0.5
    missing_fraction: float = 0.02
    rail_fraction: float = 0.03
    offset_mv: float = 5.0
    baseline_mv: float = 1.0
    baseline_ratio: float = 1.0
    mains_uv: float = 25.0
    noise_uv: float = 12.0
    noise_ratio: float = 0.02
    off_scale_fraction: float = 0.08
    low_amplitude_mv: float = 0.1
    template_correlation: float = 0.5
    lead_score: float = 0.3


def lead_reasons(index: dict[str, float], settings: ReasonSettings) -> tuple[QualityReason, ...]:
    """Name what is wrong with one lead, worst first.

    Parameters
    ----------
    index
        The indices of the lead.
    settings
        Limits.

    Returns
    -------
    Reasons; empty where nothing is wrong.
    """
    why: list[QualityReason] = []
    s = settings
    if index["missing_fraction"] > s.missing_fraction:
        why.append(QualityReason.MISSING)
    if index["missing_fraction"] >= 1.0:
        return tuple(why)
    flat = index["flat_fraction"] > s.flat_fraction
    no_beat = index["template_correlation"] < s.template_correlation
    railed = index["rail_fraction"] > s.rail_fraction and index["range_ratio"] > 2.0
    if flat:
        why.append(QualityReason.FLAT)
    if index["offset_mv"] > s.offset_mv or (flat and index["offset_mv"] > 0.5):
        why.append(QualityReason.LEAD_OFF)
    if railed:
        why.append(QualityReason.SATURATED)
    if flat:
        return tuple(why)
    if index["off_scale_fraction"] > s.off_scale_fraction:
        why.append(QualityReason.MOTION)
    if index["noise_uv"] > s.noise_uv and index["noise_ratio"] > s.noise_ratio:
        muscle = index["noise_uv"] ** 2 - 0.5 * index["mains_uv"] ** 2
        if muscle > s.noise_uv**2:
            why.append(QualityReason.MUSCLE)
    if index["mains_uv"] > s.mains_uv and index["mains_uv"] > 0.02 * 1e3 * index["amplitude_mv"]:
        why.append(QualityReason.MAINS)
    if index["baseline_mv"] > s.baseline_mv and index["baseline_ratio"] > s.baseline_ratio:
        why.append(QualityReason.BASELINE_WANDER)
    if index["amplitude_mv"] < s.low_amplitude_mv:
        why.append(QualityReason.LOW_AMPLITUDE)
    if no_beat and not why and index["n_beats"] >= 3:
        why.append(
            QualityReason.MOTION if index["busy_ratio"] > 0.5 else QualityReason.LOW_AMPLITUDE
        )
    return tuple(why)
