# SPDX-License-Identifier: MIT
"""What bench/soak.py is made of."""
