# SPDX-License-Identifier: MIT
"""`samara image`: a root file system from Debian's arm64 packages, one job a module."""
