# SPDX-License-Identifier: Apache-2.0
"""Words and pages, each tied to evidence."""
