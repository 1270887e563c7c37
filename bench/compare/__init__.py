# SPDX-License-Identifier: MIT
"""What compare.py and roundtrips.py are made of."""
