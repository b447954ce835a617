# SPDX-License-Identifier: MIT
"""The parts of the `samara` command, one job per module; cli.py is where it begins."""
