# SPDX-License-Identifier: Apache-2.0
"""Ways to train an encoder without labels, each in a file named after its paper."""
