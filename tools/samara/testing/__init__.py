# SPDX-License-Identifier: MIT
"""The test runner: one module per kind of ring, and the report that they share."""
