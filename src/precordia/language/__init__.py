# SPDX-License-Identifier: Apache-2.0
"""Language models: what they may say is chosen among facts, and every number is checked."""
