# SPDX-License-Identifier: Apache-2.0
"""What a folder of recordings holds: one row a recording, and one page for all."""
