# SPDX-License-Identifier: Apache-2.0
"""Array in, array out: resampling, filtering, baseline, mains, noise and lead algebra."""
