# SPDX-License-Identifier: Apache-2.0
"""Encoders of the electrocardiogram: one file and one card each, listed without PyTorch."""
