"""The client that is not there any more."""

from __future__ import annotations


class ClientGoneError(OSError):
    """The client has closed its connection, takes nothing, sends nothing, or sends what is no body.

    An application may see it from `wsgi.input` and `write`. It needs not to catch it: nobody waits for the response.
    """
