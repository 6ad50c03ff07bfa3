# SPDX-License-Identifier: Apache-2.0
"""One shard of a store, open for reading: each record is a page that is decoded in place."""

from __future__ import annotations

import mmap
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, PrecordiaError
from precordia.datasets.store_columns import COLUMNS, require_pyarrow
from precordia.datasets.store_settings import CODECS
from precordia.datasets.store_shard import Shard, read_columns
from precordia.datasets.store_signal import millivolts_of, unpack
from precordia.io.array_growth import check_growth

_LENGTH = 4  # bytes before the value in a page


class OpenShard:
    """A shard whose pages are read in place.

    Parameters
    ----------
    folder
        Of the store.
    shard
        What the manifest says of it.
    codec
        What packs the signal.

    Raises
    ------
    FormatError
        If it is not as the manifest says.
    """

    def __init__(self, folder: Path, shard: Shard, codec: str) -> None:
        pa = require_pyarrow()
        self._path = folder / shard.file
        self._about: list[dict[str, Any]] | None = None
        held = read_columns(self._path, ("fs", "n_samples", "n_missing", "leads", "scale_mv"))
        try:
            with (folder / shard.pages).open("rb") as file:
                pages = np.load(file, allow_pickle=False)
            with self._path.open("rb") as file:
                content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            self.fs = held.column("fs").to_numpy()
            self.n_samples = held.column("n_samples").to_numpy()
            self._n_missing = held.column("n_missing").to_numpy()
            self.leads = [tuple(names) for names in held.column("leads").to_pylist()]
            self._scale = [np.array(x, np.float32) for x in held.column("scale_mv").to_pylist()]
            self._check(pages, shard.n_records, len(content))
        except (OSError, ValueError, TypeError) as error:
            if isinstance(error, PrecordiaError):
                raise
            raise self._damaged(type(error).__name__) from error
        self._content, self.pages = content, pages.tolist()
        self._codec = pa.Codec("lz4_raw" if codec == "lz4" else CODECS[codec][0])
        self._seen = bytearray(shard.n_records)

    def _check(self, pages: np.ndarray, n_records: int, n_bytes: int) -> None:
        """Compare the places of the pages with what the columns say, before any is believed."""
        if len(self.fs) != n_records or pages.shape != (n_records, 4) or pages.dtype.kind != "i":
            raise self._damaged(f"{len(self.fs)} rows instead of {n_records}")
        for row, (offset, packed, raw, _) in enumerate(pages.tolist()):
            size = 2 * len(self.leads[row]) * int(self.n_samples[row]) + _LENGTH
            if raw != size or min(offset, packed) < 0 or offset + packed > n_bytes:
                raise self._damaged(f"row {row} lies where it cannot")
            scale = self._scale[row]
            if scale.shape != (len(self.leads[row]),) or not np.isfinite(scale).all():
                raise self._damaged(f"row {row} does not have one scale for each lead")
            check_growth(raw, packed, name=self._path.name, what=f"the signal of row {row}")

    def _damaged(self, what: str) -> FormatError:
        return FormatError(
            f"'{self._path}' is not as the store says ({what}). Restore it from a copy, or build "
            "the store again; precordia dataset verify STORE tells what is damaged."
        )

    def row(self, row: int) -> dict[str, Any]:
        """Return what is known of a record."""
        if self._about is None:
            names = [name for name in COLUMNS if name != "signal"]
            self._about = read_columns(self._path, names).to_pylist()
        return self._about[row]

    def signal(
        self,
        row: int,
        wanted: tuple[str, ...] | None,
        start: int = 0,
        n: int | None = None,
        out: Float[np.ndarray, "lead sample"] | None = None,
    ) -> Float[np.ndarray, "lead sample"]:
        """Decode a record.

        Parameters
        ----------
        row
            Which.
        wanted
            Leads in order, NaN where it lacks one; None for its own.
        start, n
            From which sample on, and how many; all by default.
        out
            Where to write it.
        """
        leads = self.leads[row]
        units = unpack(self._page(row), len(leads))
        if n is not None:
            units = units[:, start : start + n]
        gaps = bool(self._n_missing[row])
        if wanted is None or wanted == leads:
            return millivolts_of(units, self._scale[row], gaps=gaps, out=out)
        if out is None:
            out = np.empty((len(wanted), units.shape[1]), np.float32)
        for k, lead in enumerate(wanted):
            if lead in leads:
                its = slice(leads.index(lead), leads.index(lead) + 1)
                millivolts_of(units[its], self._scale[row][its], gaps=gaps, out=out[k : k + 1])
            else:
                out[k] = np.nan
        return out

    def _page(self, row: int) -> memoryview:
        """Unpack the page of a record."""
        offset, length, raw, crc = self.pages[row]
        packed = self._content[offset : offset + length]
        if not self._seen[row]:
            if zlib.crc32(packed) != crc:
                raise self._damaged(f"the checksum of row {row} is wrong")
            self._seen[row] = 1
        try:
            page = memoryview(self._codec.decompress(packed, raw))
        except (OSError, ValueError) as error:
            raise self._damaged(f"row {row} cannot be unpacked") from error
        if int.from_bytes(page[:_LENGTH], "little") != raw - _LENGTH:
            raise self._damaged(f"row {row} holds another signal")
        return page[_LENGTH:]
