# SPDX-License-Identifier: Apache-2.0
"""Protocols: task, split, metric, interval, table."""
