# SPDX-License-Identifier: Apache-2.0
"""Bricks of networks: layers and losses that know tensors, not recordings. Needs PyTorch."""
