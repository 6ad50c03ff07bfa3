# SPDX-License-Identifier: Apache-2.0
"""Recordings without their patients."""
