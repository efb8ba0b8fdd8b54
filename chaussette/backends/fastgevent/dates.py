"""The Date and Server lines, made once a second for all responses of a worker."""

from __future__ import annotations

from time import gmtime, time

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(seconds: float) -> str:
    """RFC 9110's IMF-fixdate, in no locale's words. `email.utils` has one, and imports half a megabyte for it."""
    year, month, day, hour, minute, second, weekday = gmtime(seconds)[:7]
    clock = f"{hour:02}:{minute:02}:{second:02}"
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {clock} GMT"


class Dates:
    """`lines()` is what most responses have in common."""

    __slots__ = ("_both", "_end", "_next", "_server", "date")

    def __init__(self, server_header: str) -> None:
        self._server = f"Server: {server_header}\r\n".encode("latin-1") if server_header else b""
        # When the next second begins.
        self._next = 0.0
        self._both = b""
        self._end = b""
        self.date = b""

    def lines(self) -> bytes:
        """`Server` and `Date`, each with its end; also brings `date` up to date, the latter alone."""
        self.end()
        return self._both

    def end(self) -> bytes:
        """The same, and the end of the head."""
        now = time()
        if not self._next - 1 <= now < self._next:
            self._renew(int(now))
        return self._end

    def _renew(self, second: int) -> None:
        self._next = second + 1.0
        self.date = f"Date: {http_date(second)}\r\n".encode("latin-1")
        self._both = self._server + self.date
        self._end = self._both + b"\r\n"
