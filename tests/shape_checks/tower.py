# SPDX-License-Identifier: Apache-2.0
"""The type checker of ``make test-shapes``: beartype, where an int is a float too (PEP 484)."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
