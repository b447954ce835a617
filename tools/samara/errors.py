# SPDX-License-Identifier: MIT
"""The one exception that means "tell the user and stop": the rest are bugs and show it."""


class SamaraError(Exception):
    """A failure the user can act on; its text is the whole message."""

    def __init__(self, message: str, status: int = 2):
        super().__init__(message)
        self.status = status
