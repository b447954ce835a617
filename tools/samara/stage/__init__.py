# SPDX-License-Identifier: MIT
"""`samara stage`: builds in steps, each in a machine of its own, with every byte accounted for.
docs/bootstrap.md is for those who write plans."""
