# SPDX-License-Identifier: Apache-2.0
"""Record to what a model takes."""
