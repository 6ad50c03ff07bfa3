# SPDX-License-Identifier: Apache-2.0
"""Where ``precordia`` and ``python -m precordia`` begin: Ctrl-C has its answer before all else."""

import gc
import sys


def main() -> None:
    """Run the command line; who stops it while it is still imported gets a word, no traceback."""
    # What importing makes stays, and goes with the process. Looking for garbage among it, on the
    # way and once more at the end, took a fifth of a short run.
    gc.set_threshold(10_000)
    try:
        from precordia.cli.main import main as command

        command()
    except KeyboardInterrupt:
        print("precordia: interrupted.", file=sys.stderr)
        sys.exit(130)
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
