# SPDX-License-Identifier: Apache-2.0
"""Can this be read?"""
