"""Who holds a listening address: for the one error message that everybody meets."""

from __future__ import annotations


def describe_port_holder(port: int, *, is_udp: bool = False) -> str:
    """`held by redis-server (pid 123, user redis)` for the process that has a port; empty if unknown."""
    # Here, since psutil takes its time to import.
    import psutil

    try:
        connections = psutil.net_connections("udp" if is_udp else "tcp")
    except psutil.AccessDenied:
        return ""
    for connection in connections:
        is_open = is_udp or connection.status == psutil.CONN_LISTEN
        if is_open and connection.laddr and connection.laddr.port == port:
            return _describe(connection.pid)
    return ""


def _describe(pid: int | None) -> str:
    if pid is None:
        return "held by a process of another user"
    import psutil

    try:
        process = psutil.Process(pid)
        return f"held by {process.name()} (pid {pid}, user {process.username()})"
    except psutil.Error:
        return f"held by pid {pid}"
