# SPDX-License-Identifier: Apache-2.0
"""Simulated minutes of rhythm with ectopic beats of known class, for training the beat classifier.

One heart a record: sinus rhythm that drifts and breathes, into which early beats of the atria, the
junction and the ventricles fall singly, in pairs, in bigeminy and in runs; sick sinus nodes whose
pauses alternate with atrial runs; blocked P waves, escapes, ventricular rhythms, intermittent
bundle branch block, and fibrillation.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from precordia.generation.population import draw_scenario
from precordia.generation.rhythm import RHYTHMS, Pace, Timeline
from precordia.generation.simulate import simulate

RATES = (200.0, 250.0, 360.0, 500.0)
_STARTS = (
    *("ventricular-premature", "bigeminy", "couplets", "ventricular-run", "atrial-premature"),
    *("right-bundle-block", "left-bundle-block", "sinus", "left-ventricular-hypertrophy"),
)
N, S, V = 0, 1, 2


class Diary:
    """A timeline that also keeps the class of every beat."""

    def __init__(self) -> None:
        self.line, self.label = Timeline(), []

    def conducted(self, at, pr, label=N, p_shape=0, shape=0):
        """Add P and the QRS complex that it leads to."""
        self.line.conduct(at, pr, p_shape=p_shape, shape=shape)
        self.label.append((at + pr, label))

    def alone(self, at, label, shape=0):
        """Add a QRS complex without P."""
        self.line.escape(at, shape=shape)
        self.label.append((at, label))


def draw_plan(rng):
    """Draw what a heart does, in events per beat, and how."""
    plan = {
        "drift": rng.uniform(0.0, 0.12), "breath": rng.uniform(0.0, 0.12) ** 1.0,
        "early": rng.uniform(0.5, 0.88), "early_sd": rng.uniform(0.01, 0.06),
        "reset": rng.uniform(0.95, 1.3), "coupling": rng.uniform(0.42, 0.8),
        "full_pause": rng.random() < 0.7, "pr_more": rng.normal(0.01, 0.03),
        "hidden_p": rng.random() < 0.15,
    }  # fmt: skip
    kind = rng.choice(
        ["quiet", "pac", "atrial_runs", "sick_sinus", "pvc", "both", "junctional", "block",
         "intermittent", "bradycardia", "idioventricular"],
        p=[0.08, 0.15, 0.14, 0.13, 0.13, 0.12, 0.05, 0.05, 0.04, 0.03, 0.08],
    )  # fmt: skip
    rate = lambda: float(np.exp(rng.uniform(np.log(0.01), np.log(0.35))))  # noqa: E731
    plan["kind"] = str(kind)
    plan["pac"] = rate() if kind in ("pac", "both", "atrial_runs") else 0.0
    plan["pvc"] = rate() if kind in ("pvc", "both") else rng.choice([0.0, 0.01], p=[0.7, 0.3])
    plan["pac_more"] = rng.uniform(0, 0.4) if kind != "atrial_runs" else rng.uniform(0.6, 0.95)
    plan["pvc_more"] = rng.choice([0.0, 0.2, 0.6])
    # from couplets to minutes of tachycardia
    plan["run_length"] = float(np.exp(rng.uniform(np.log(1.2), np.log(45))))
    if kind == "atrial_runs" and plan["run_length"] > 6:
        plan["pac"] = min(plan["pac"], 0.05)
    plan["ventricular_length"] = float(np.exp(rng.uniform(np.log(1.2), np.log(20))))
    plan["idioventricular"] = rng.uniform(0.005, 0.05) if kind == "idioventricular" else 0.0
    plan["own_rate"] = rng.uniform(0.6, 1.5)
    plan["bigeminy"] = rng.uniform(0, 0.9)
    plan["junctional"] = rate() if kind == "junctional" else 0.0
    plan["blocked"] = rate() if kind == "block" else 0.0
    plan["intermittent"] = 0.5 if kind == "intermittent" else 0.0
    plan["escape"] = rng.random() < 0.5
    plan["ventricular_escape"] = rng.random() < 0.3
    return plan


def draw_rhythm(rng, pace: Pace, plan) -> Diary:
    """Draw the beats of one record."""
    diary, sick = Diary(), plan["kind"] == "sick_sinus"
    rr = pace.rr_s * (rng.uniform(1.4, 3.0) if sick else 1.0)
    run_rr = min(pace.rr_s, 0.95) * rng.uniform(0.75, 1.05) if sick else None
    at, last_qrs, phase, wander = -2.0 - rng.uniform(0, rr), -9.0, rng.uniform(0, 6), 0.0
    again = 0.0
    wide_until = -9.0
    while at < pace.seconds + 2:
        wander = np.clip(0.97 * wander + rng.normal(0, 0.2), -2, 2)
        now = rr * (1 + plan["drift"] * wander + plan["breath"] * np.sin(phase + 1.6 * at))
        now = max(now, 0.33) * rng.normal(1, 0.008)
        pr = pace.pr_s
        if at + pr < last_qrs + 0.28:
            diary.line.block(at)
            at += now
            continue
        if rng.random() < plan["blocked"]:
            diary.line.block(at)
            if plan["escape"] and now > 0.9 and rng.random() < 0.5:
                late = at + rng.uniform(0.5, 0.8) * now
                shape = int(plan["ventricular_escape"])
                diary.alone(late, V if shape else N, shape)
                last_qrs = late
            at += now
            continue
        if plan["intermittent"] and rng.random() < 0.02:
            wide_until = at + rng.uniform(2, 40)
        diary.conducted(at, pr, N, 0, int(at < wide_until))
        last_qrs = at + pr
        if sick:
            for _ in range(int(rng.geometric(1 / rng.uniform(1.5, 7)))):
                if rng.random() < 0.08:
                    break
                gap = run_rr * rng.normal(1, 0.04)
                at = last_qrs - pr + gap
                diary.conducted(at, pr + plan["pr_more"] * 0.5, S, 1)
                last_qrs = at + pr
            at += rr * rng.uniform(0.8, 1.15)
            continue
        chance = max(plan["pac"], again)
        if rng.random() < chance and plan["pac"]:
            early = np.clip(plan["early"] + rng.normal(0, plan["early_sd"]), 0.4, 0.92)
            run = 1 + (
                int(rng.geometric(1 / plan["run_length"])) if rng.random() < plan["pac_more"] else 0
            )
            for k in range(run):
                gap = max(
                    now * (early if k == 0 else min(early * rng.normal(1.03, 0.03), 0.95)), 0.31
                )
                at = last_qrs - pace.pr_s + gap
                late_pr = max(0.09, pr + plan["pr_more"])
                if plan["hidden_p"]:
                    diary.alone(at + late_pr, S)
                else:
                    diary.conducted(at, late_pr, S, 1)
                last_qrs = at + late_pr
            at += max(now * plan["reset"] * rng.normal(1, 0.02), 0.4)
            again = plan["bigeminy"] if rng.random() < 0.3 else 0.0
            continue
        if plan["junctional"] and rng.random() < plan["junctional"]:
            last_qrs = last_qrs + now * np.clip(plan["early"] + rng.normal(0, 0.03), 0.4, 0.9)
            diary.alone(last_qrs, S)
            at = last_qrs + now * plan["reset"] - pr
            continue
        if plan["pvc"] and rng.random() < max(plan["pvc"], again):
            more = rng.random() < plan["pvc_more"]
            run = 1 + (int(rng.geometric(1 / plan["ventricular_length"])) if more else 0)
            early = np.clip(plan["coupling"] * now * rng.normal(1, 0.03), 0.3, 1.1)
            for k in range(run):
                last_qrs += early if k == 0 else max(0.27, rng.uniform(0.7, 1.05) * early)
                diary.alone(last_qrs, V, 1)
            again = plan["bigeminy"] if rng.random() < 0.4 else 0.0
            at = at + now if plan["full_pause"] else last_qrs + now * rng.uniform(0.9, 1.2) - pr
            continue
        if rng.random() < plan["idioventricular"]:
            # a focus about as fast as the sinus node, or one that comes in when that one pauses
            spacing = max(0.3, now * plan["own_rate"])
            for _ in range(int(rng.geometric(1 / plan["ventricular_length"])) + 1):
                last_qrs += spacing * rng.normal(1, 0.02)
                diary.alone(last_qrs, V, 1)
            at = last_qrs + now * rng.uniform(0.7, 1.2) - pr
            continue
        again = 0.0
        at += now
    diary.line.qrs.sort()
    diary.label.sort()
    return diary


def simulated_record(rng, seconds, noise):
    """Simulate one heart; give (signal of some leads, fs, places of beats, their classes)."""
    fibrillates = rng.random() < 0.12
    start = "atrial-fibrillation" if fibrillates else str(rng.choice(_STARTS))
    scenario = draw_scenario(rng, name=start)
    plan, kept = draw_plan(rng), []
    ectopic = scenario.ectopic
    if ectopic is None:
        ectopic = draw_scenario(rng, name="ventricular-premature").ectopic
    if plan["kind"] == "intermittent":
        ectopic = draw_scenario(
            rng, name=str(rng.choice(["left-bundle-block", "right-bundle-block"]))
        ).beat
    early_p = draw_scenario(rng, name="atrial-premature").p

    def rhythm(own, pace):
        if fibrillates:
            diary = _with_ectopics(RHYTHMS["fibrillation"](own, pace), own, plan["pvc"])
        else:
            diary = draw_rhythm(own, pace, plan)
        kept.append(diary)
        return diary.line

    RHYTHMS["diary"] = rhythm
    bpm = scenario.heart_rate_bpm * np.exp(rng.normal(0, 0.2))
    pr = scenario.pr_ms * (1.5 if rng.random() < 0.12 else 1.0)
    scenario = replace(
        scenario, rhythm="diary", ectopic=ectopic, heart_rate_bpm=float(np.clip(bpm, 42, 130)),
        pr_ms=float(pr), p=(scenario.p[0], early_p[-1]), rr_sd_ms=0.0, pacing="", alternans_mv=0.0,
    )  # fmt: skip
    fs = float(rng.choice(RATES))
    kind = rng.choice(["em", "ma", "bw"])
    record = simulate(
        scenario, fs=fs, seconds=seconds, seed=int(rng.integers(1 << 31)),
        respiration_percent=float(rng.uniform(0, 25)), noise=noise[kind], noise_fs=360.0,
        snr_db=float(rng.uniform(6, 30)),
    )  # fmt: skip
    onset = np.array([q[0] for q in kept[-1].line.qrs])
    label = np.array([c for _, c in kept[-1].label])
    found = record.carried.fiducials
    r, q = found.r_peak, found.qrs_onset
    good = np.isfinite(r) & np.isfinite(q)
    near = np.abs(onset[None, :] - q[good][:, None] / fs)
    which = near.argmin(axis=1)
    n_leads = int(rng.choice([1, 2, 3, 12], p=[0.3, 0.55, 0.1, 0.05]))
    leads = rng.choice(12, n_leads, replace=False)
    peaks = np.round(r[good]).astype(np.int64)
    classes = np.where(near.min(axis=1) < 0.03, label[which], -1)
    return record.signal[leads], fs, peaks, classes, plan["kind"] if not fibrillates else "af"


def _with_ectopics(line, rng, chance):
    diary, last = Diary(), -9.0
    for onset, _, _ in line.qrs:
        if onset < last + 0.3:
            continue
        diary.alone(onset, N)
        last = onset
        if rng.random() < chance:
            last = onset + rng.uniform(0.35, 0.55)
            diary.alone(last, V, 1)
    return diary
