# SPDX-License-Identifier: Apache-2.0
"""Examine a folder of recordings in two processes; one bad file does not stop the rest.

Needs: pip install precordia
Takes: 5 s
"""

import warnings
from pathlib import Path

import precordia as pc
from precordia.batch import examine_many, plan_jobs, recordings_of, summary_csv


def main() -> None:
    """Make a folder of four recordings and examine it."""
    ward = Path("ward")
    ward.mkdir(exist_ok=True)
    # WFDB cannot hold the true waves of a simulation, and says so; here that is no loss.
    warnings.filterwarnings("ignore", message=".*has no place for")
    for seed, scenario in enumerate(("sinus", "atrial-fibrillation", "right-bundle-block")):
        record = pc.simulate(scenario, noise="muscle", snr_db=25, seed=seed)
        pc.write(record, ward / f"{scenario}.hea", overwrite=True)
    (ward / "broken.edf").write_bytes(b"0       this is no recording")

    # The same on the command line:  precordia examine ward/ --output studies --jobs 2
    jobs = plan_jobs(recordings_of([ward]), Path("studies"))
    outcomes = list(examine_many(jobs, n_jobs=2, overwrite=True))
    for outcome in sorted(outcomes, key=lambda outcome: outcome.job.path):
        print(outcome.job.path, "->", outcome.status, outcome.problem)
    Path("studies", "summary.csv").write_text(summary_csv(outcomes), encoding="utf-8")

    done = sum(outcome.status == "done" for outcome in outcomes)
    print(f"examined: {done} of {len(jobs)}")


if __name__ == "__main__":  # needed where processes are started
    main()
