# SPDX-License-Identifier: Apache-2.0
"""What a store says of itself to whoever opens its folder without precordia."""

from __future__ import annotations

from pathlib import Path

from precordia.datasets.store_columns import COLUMNS

README = "README.md"

#: how anyone decodes a signal; row is a dict of one row
DECODING = """\
low, high = np.frombuffer(row["signal"], np.int8).reshape(2, -1).astype(np.int16)
units = np.cumsum(low + 256 * high, dtype=np.int16).reshape(len(row["leads"]), -1)
signal = np.where(units == -32768, np.nan, units) * np.array(row["scale_mv"])[:, None]
"""

_PAGE = """\
---
configs:
- config_name: default
  data_files: "records-*.parquet"
---
# Recordings of the electrocardiogram

A store of precordia: one row a recording, in Parquet files. `precordia.open_store(folder)` opens
it; so do pyarrow, polars and Hugging Face datasets. With a row as a dict, the signal in millivolts
is

```python
{decoding}```

`store.json` names the databases, their licences, their classes and the checksum of each file.

| column | |
| --- | --- |
{columns}
"""


def write_readme(folder: Path) -> None:
    """Write the page into a store.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    columns = "\n".join(f"| `{name}` | {words} |" for name, (_, words) in COLUMNS.items())
    page = _PAGE.format(decoding=DECODING, columns=columns)
    part = folder / f".{README}.part"
    part.write_text(page, encoding="utf-8")
    part.replace(folder / README)
