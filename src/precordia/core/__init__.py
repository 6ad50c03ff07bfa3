# SPDX-License-Identifier: Apache-2.0
"""The values that the whole field speaks of. NumPy only, no file access."""
