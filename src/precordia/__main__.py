# SPDX-License-Identifier: Apache-2.0
"""``python -m precordia`` is the command ``precordia``."""

from precordia.cli.main import main

if __name__ == "__main__":
    main()
