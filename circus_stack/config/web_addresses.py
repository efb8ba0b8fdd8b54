"""Where the workers listen: flags, then PORT, then the server section. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from circus_stack.config.foreign import Translation
from circus_stack.config.kinds import parse_words
from circus_stack.config.listen import LEGAL, Address, parse_address
from circus_stack.config.overrides import Overrides, read_port
from circus_stack.config.problems import Problems
from circus_stack.config.server_schema import ServerConfig
from circus_stack.config.values import Location

# A development server that nobody told anything must not be seen from outside.
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8080


def decide_addresses(
    server: ServerConfig,
    translation: Translation,
    overrides: Overrides,
    environ: Mapping[str, str],
    problems: Problems,
) -> tuple[Address, ...]:
    """Every address to listen on, at least one; one that is a mistake has port 0, which collides with no other."""
    if overrides.bind:
        return _parse(overrides.bind, "", Location(), "--bind", (DEFAULT_HOST, DEFAULT_PORT), problems)
    port = read_port(environ, problems)
    addresses = _of_section(server, translation, problems)
    if port is None:
        return addresses or (Address(DEFAULT_HOST, DEFAULT_PORT),)
    if not addresses:
        # Who sets PORT and nothing else is a platform that sends its traffic there.
        return (Address("0.0.0.0", port),)
    return _with_port(addresses, port, problems)


def _of_section(server: ServerConfig, translation: Translation, problems: Problems) -> tuple[Address, ...]:
    unix = _unix(server)
    if unix and not server.listen and (not translation.is_own or not (server.host or server.port)):
        _warn_beside(("host", "port"), "unix_socket", translation, problems)
        return unix
    default = (_first_host(server), DEFAULT_PORT if server.port is None else server.port)
    if server.listen:
        _check_beside(translation, problems)
        where = server.where.get("listen", translation.where)
        _warn_star(server.listen, where, translation, problems)
        return unix + _parse(server.listen, translation.section, where, "listen", default, problems)
    if server.host is None and server.port is None:
        return unix
    where = server.where.get("host") or server.where.get("port", translation.where)
    hosts = parse_words(server.host or DEFAULT_HOST)
    return unix + _parse(tuple(map(_bracketed, hosts)), translation.section, where, "host", default, problems)


def _warn_star(texts: tuple[str, ...], where: Location, translation: Translation, problems: Problems) -> None:
    """waitress opens * on IPv4 and IPv6. Here it is one socket, since not every machine has the other family."""
    if (
        not translation.is_own
        and any(text.startswith("*") for text in texts)
        and not any("[" in text for text in texts)
    ):
        message = "* is every IPv4 address; [::]:PORT beside it adds IPv6"
        problems.warn(message, where, section=translation.section, option="listen")


def _unix(server: ServerConfig) -> tuple[Address, ...]:
    if not server.unix_socket:
        return ()
    return (Address(path=server.unix_socket, where=server.where.get("unix_socket", Location())),)


def _first_host(server: ServerConfig) -> str:
    return DEFAULT_HOST if server.host is None else (parse_words(server.host) or (DEFAULT_HOST,))[0]


def _bracketed(host: str) -> str:
    """host = ::1 has no port that it could be mistaken for."""
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def _said(translation: Translation, keys: tuple[str, ...]) -> list[tuple[str, Location]]:
    return [
        (entry.key, entry.where)
        for entry in translation.server
        if entry.key in keys and entry.key not in translation.defaulted
    ]


def _warn_beside(keys: tuple[str, ...], winner: str, translation: Translation, problems: Problems) -> None:
    for key, where in _said(translation, keys):
        problems.warn(f"is not honoured: {winner} stands beside it", where, section=translation.section, option=key)


def _check_beside(translation: Translation, problems: Problems) -> None:
    """listen says all; of our own section both are refused, as waitress does, a foreign one is only warned of."""
    if not translation.is_own:
        _warn_beside(("host", "port"), "listen", translation, problems)
        return
    for key, where in _said(translation, ("host", "port")):
        problems.add(
            "stands beside listen, which names host and port itself", where, section=translation.section, option=key
        )


def _parse(
    texts: tuple[str, ...],
    section: str,
    where: Location,
    option: str,
    default: tuple[str, int],
    problems: Problems,
) -> tuple[Address, ...]:
    found = []
    for text in texts:
        try:
            found.append(parse_address(text, *default, where=where))
        except ValueError:
            problems.add("is not an address", where, section=section, option=option, found=text, legal=LEGAL)
            # The default in its place would collide with sockets that are right.
            found.append(Address(DEFAULT_HOST, 0, where=where))
    return tuple(found)


def _with_port(addresses: tuple[Address, ...], port: int, problems: Problems) -> tuple[Address, ...]:
    """PORT takes the place of the first TCP address's port, and of the same port on other hosts."""
    first = next((each for each in addresses if each.path is None), None)
    if first is None:
        problems.warn("is not honoured: the file listens on unix sockets only", option="PORT", found=str(port))
        return addresses
    return tuple(
        each.with_port(port, Location()) if each.path is None and each.port == first.port else each
        for each in addresses
    )
