# SPDX-License-Identifier: Apache-2.0
"""Recordings as iterables of records with statements."""
