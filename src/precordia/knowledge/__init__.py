# SPDX-License-Identifier: Apache-2.0
"""What the field knows of each statement."""
