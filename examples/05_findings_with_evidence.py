# SPDX-License-Identifier: Apache-2.0
"""Name what an ECG shows: by rules and by a trained model, each finding with its evidence.

Needs: pip install precordia
Takes: 2 s
"""

import precordia as pc

record = pc.simulate("right-bundle-block", noise="muscle", snr_db=25, seed=2)
study = pc.examine(record)

for finding in study.findings.present:
    print(f"{finding.name} ({finding.code}), probability {finding.probability:.2f}")
    if finding.criterion:
        print("  criterion:", finding.criterion)
    if finding.disagreement:
        print("  disagreement:", finding.disagreement)
    for claim in finding.claims:
        print("  evidence: ", claim)

print("\nsuperclasses:")
for code, finding in study.findings.superclasses.items():
    print(f"  {code} {finding.name}: {finding.probability:.2f}")

print("\nnot judged:")
for abstention in study.findings.abstained[:5]:
    print(" ", abstention)

drawing = pc.plot(record, marks=study.fiducials, findings=study.findings, title="simulated")
print("drawn in", drawing.save("findings.svg"))
