# SPDX-License-Identifier: Apache-2.0
"""Loops that make weights: seeded, resumable to the bit, on one core or on many machines."""
