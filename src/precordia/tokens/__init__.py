# SPDX-License-Identifier: Apache-2.0
"""Recordings as strings of symbols and back, and what that costs in bits and in likeness."""
