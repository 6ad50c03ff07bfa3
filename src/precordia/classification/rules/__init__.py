# SPDX-License-Identifier: Apache-2.0
"""Rules that numbers against limits cannot express, one file per group of statements."""
