"""What the command line says of a console, and how it reaches the process that serves it: as JSON in a variable."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from circus_stack.errors import CircusStackError

VARIABLE = "CIRCUS_STACK_CONSOLE"

DIRECTORY = "console"
"""Of users, tokens and sessions, in the state directory of a stack."""

# What any request of ours may have in its body; a whole configuration fits.
MOST_BODY = 1 << 20


class WebSettings(Struct, frozen=True, kw_only=True):
    """`endpoint` is the arbiter's. `directory` holds users, tokens and sessions. `prefix` is the path below which a
    proxy hands requests on without taking it away, as /console. `allowed_hosts` are names, beside those of loopback
    and addresses, by which browsers may reach it. `key` is the file of the key that is shown at a tcp endpoint, and
    `server_key` what it may lack."""

    endpoint: str
    directory: str
    prefix: str = ""
    allowed_hosts: tuple[str, ...] = ()
    key: str | None = None
    server_key: str | None = None

    def as_environ(self) -> dict[str, str]:
        """The variable that `from_environ` reads."""
        return {VARIABLE: msgspec.json.encode(self).decode()}


def from_environ(environ: Mapping[str, str]) -> WebSettings:
    """What `circushttpd` has put there. Raises CircusStackError where it was started in another way."""
    try:
        return msgspec.json.decode(environ[VARIABLE], type=WebSettings)
    except KeyError:
        raise CircusStackError(f"{VARIABLE} is not set: the console is started by circushttpd") from None
    except msgspec.MsgspecError as error:
        raise CircusStackError(f"{VARIABLE} is not what circushttpd writes: {error}") from None
