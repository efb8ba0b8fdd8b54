"""Which methods are handed to an application, where the server's own parser lets any word pass. Pure."""

from __future__ import annotations

import re

# RFC 9110, 5.6.2, without lower case: methods are case-sensitive, and all that are registered are in capitals. Who
# sends "get" wants to get past a rule for "GET", or is broken.
_METHOD = re.compile(r"[A-Z0-9!#$%&'*+.^_`|~-]+")


def is_served(method: str) -> bool:
    """Whether an application gets it. CONNECT is for a proxy, and its target no path."""
    return method != "CONNECT" and _METHOD.fullmatch(method) is not None
