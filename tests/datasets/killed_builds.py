# SPDX-License-Identifier: Apache-2.0
"""Run by a test in a process of its own: builds that kill themselves, each at another instant.

Arguments: folder of recordings, folder for stores. Prints a JSON list: for each instant, how the
build ended and whether the next one, undisturbed, left the very files of one that was not killed.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pyarrow.parquet

from precordia.datasets import store_build
from precordia.datasets.dataset import load_dataset


def killer(n):
    """Make the n-th change of the disk the last one: the process is killed beside it."""
    left = [n]

    def wrap(module, name, before):
        real = getattr(module, name)

        def call(*arguments, **options):
            left[0] -= 1
            if before and left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            done = real(*arguments, **options)
            if not before and left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        setattr(module, name, call)

    wrap(os, "fsync", before=n % 2 == 0)
    wrap(Path, "replace", before=n % 2 == 1)
    wrap(Path, "unlink", before=False)
    wrap(Path, "open", before=False)


def build(folder, store, n=0):
    """Build in a process of its own; return how it ended."""
    child = os.fork()
    if not child:
        code = 1
        try:
            if n:
                killer(n)
            store_build.build_store(load_dataset("folder", folder), store)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def content(store):
    return {path.name: path.read_bytes() for path in sorted(Path(store).iterdir())}


def main():
    folder, place = Path(sys.argv[1]), Path(sys.argv[2])
    store_build._MOST_RECORDS = 2
    pyarrow.array([0])  # what it imports is imported once, before all forks
    load_dataset("folder", folder)[0].read()
    assert build(folder, place / "whole") == 0
    whole, said = content(place / "whole"), []
    for n in range(1, 200):
        store = place / "killed"
        shutil.rmtree(store, ignore_errors=True)
        ended = build(folder, store, n)
        again = build(folder, store)
        said.append({"n": n, "ended": ended, "again": again, "same": content(store) == whole})
        if ended == 0:
            break
    print(json.dumps(said))


if __name__ == "__main__":
    main()
