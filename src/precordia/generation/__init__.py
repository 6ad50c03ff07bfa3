# SPDX-License-Identifier: Apache-2.0
"""Sample what never was."""
