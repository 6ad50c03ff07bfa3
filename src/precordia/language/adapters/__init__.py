# SPDX-License-Identifier: Apache-2.0
"""Ways of showing a recording to a causal language model that has read text alone."""
