# SPDX-License-Identifier: Apache-2.0
"""Numbers a reader would write down: in ms, mV, degrees and beats per minute."""
