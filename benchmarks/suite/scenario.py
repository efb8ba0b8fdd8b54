"""What is asked of the contestants: requests and connections, as declarations."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

_BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": "http://127.0.0.1/notes/1",
    "Cookie": "session=f3a9c1d27be04c6c8d51a2b3; theme=dark",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
    "If-None-Match": 'W/"5f-18c0"',
}


class Ask(Struct, frozen=True):
    """One request. `body_bytes`: the length of its body, 0 for none."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = {}
    body_bytes: int = 0


class Scenario(Struct, frozen=True):
    """`asks` are sent in turn on each connection. `connections`: None for what the run was told. `app`: the application
    that has these pages. `is_default`: taken where nobody chooses. `users`: where not 0, so many users of locust ask
    for the pages in turn, and think for `think_s` (least, most) in between, while `slow_users` hold connections and are
    not counted. `locust_file`: of the user's own, which says all of this itself."""

    name: str
    help: str
    asks: tuple[Ask, ...]
    connections: int | None = None
    app: str = "built-in"
    is_default: bool = True
    users: int = 0
    think_s: tuple[float, float] = (0.0, 0.0)
    slow_users: int = 0
    locust_file: str = ""

    @property
    def closes(self) -> bool:
        """Whether each request asks for the end of its connection."""
        return any(each.headers.get("Connection") == "close" for each in self.asks)

    @property
    def has_pace(self) -> bool:
        """Whether the users, and not the servers, say how many requests there are."""
        return self.users > 0 and any(self.think_s)


_HELLO, _JSON, _WAIT, _DERIVE = Ask("/"), Ask("/json"), Ask("/wait"), Ask("/derive")
_WORK = Ask("/work", headers={"Connection": "close"})
_MIX = (*[_JSON] * 7, _WAIT, _WAIT, _DERIVE)
_UPLOAD, _DOWNLOAD = Ask("/take", "POST", body_bytes=2**20), Ask("/stream")

SCENARIOS = {
    each.name: each
    for each in (
        Scenario("hello", "13 bytes, over connections that are kept", (_HELLO,)),
        Scenario("browser", "hello with ten headers, as browsers send them", (Ask("/", headers=_BROWSER),)),
        Scenario("close", "hello with a connection for each request", (Ask("/", headers={"Connection": "close"}),)),
        Scenario("json", "twenty rows, encoded for each request", (_JSON,)),
        Scenario("io", "waits 20 ms, as for a database", (_WAIT,)),
        Scenario("cpu", "derives a key, as a token server does", (_DERIVE,)),
        Scenario("busy", "5 ms of work, a connection for each request", (_WORK,), is_default=False),
        Scenario("upload", "a body of 1 MiB, read by the application", (_UPLOAD,), connections=8),
        Scenario("download", "10 MiB, streamed in pieces of 64 KiB", (_DOWNLOAD,), connections=8),
        Scenario("mix", "seven pages, two questions to a database, one derived key", _MIX),
        Scenario(
            "visitors",
            "the mix, asked by 200 users of locust who think for 0.5 to 1.5 s",
            _MIX,
            users=200,
            think_s=(0.5, 1.5),
        ),
        Scenario(
            "slow",
            "hello, asked by 20 users of locust beside 20 slow clients",
            (_HELLO,),
            users=20,
            think_s=(0.05, 0.15),
            slow_users=20,
        ),
        Scenario("pyramid", "the page of the Pyramid example: ten notes from Redis", (Ask("/"),), app="pyramid"),
    )
}  # fmt: skip
# The name of the page that --path tells, of whichever application.
OWN_APP = "app"
QUICK = ("hello", "json", "io")


def defaults() -> tuple[str, ...]:
    """The names of those that are taken where nobody chooses."""
    return tuple(each.name for each in SCENARIOS.values() if each.is_default)


def own_app(path: str) -> Scenario:
    """The page `path` of the user's own application."""
    return Scenario(OWN_APP, f"{path} of the given application", (Ask(path),))


def own_file(path: str) -> Scenario:
    """The users of a locust file."""
    return Scenario(Path(path).stem, f"the users of {Path(path).name}", (), locust_file=path)
