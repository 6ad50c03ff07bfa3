# SPDX-License-Identifier: Apache-2.0
"""Bytes to records and back; one file per format."""
