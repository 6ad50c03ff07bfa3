# SPDX-License-Identifier: Apache-2.0
"""Where things are: R-peaks, wave onsets and offsets."""
