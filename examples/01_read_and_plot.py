# SPDX-License-Identifier: Apache-2.0
"""Read a recording and draw it on ECG paper.

Needs: pip install precordia
Takes: 1 s
"""

import precordia as pc

path = pc.toy_record()  # 12 leads, 10 s, 500 Hz, simulated; put a file of your own here
record = pc.read(path)

print(record)
print("millivolts, one row per lead:", record.signal.shape, record.signal.dtype)
print("read by:", record.source)

drawing = pc.plot(record, title=path.name)
print("drawn in", drawing.save("ecg.svg"))
