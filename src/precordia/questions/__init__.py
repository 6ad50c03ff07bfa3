# SPDX-License-Identifier: Apache-2.0
"""Questions about a recording: text to query, query to answer."""
