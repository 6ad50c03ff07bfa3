# SPDX-License-Identifier: Apache-2.0
"""Name what an ECG shows, each finding with the criterion and the numbers that met it.

Needs: pip install precordia
Takes: 2 s
"""

import precordia as pc

record = pc.simulate("right-bundle-block", noise="muscle", snr_db=25, seed=2)
study = pc.examine(record)

for finding in study.findings:
    print(f"{finding.name} ({finding.code})")
    print("  criterion:", finding.criterion)
    for claim in finding.claims:
        print("  evidence: ", claim)

print("\nnot judged:")
for abstention in study.findings.abstained[:5]:
    print(" ", abstention)

drawing = pc.plot(record, marks=study.fiducials, findings=study.findings, title="simulated")
print("drawn in", drawing.save("findings.svg"))
