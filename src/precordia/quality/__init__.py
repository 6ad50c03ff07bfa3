# SPDX-License-Identifier: Apache-2.0
"""Whether a recording can be read."""
