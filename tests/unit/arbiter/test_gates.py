"""Which watchers get a gate, and when it goes."""

from __future__ import annotations

import pytest

from circus_stack.arbiter.gates import Gates
from circus_stack.config.schema import WatcherConfig


class Made:
    """What a gate looks like to the arbiter."""

    def __init__(self, number: int) -> None:
        self.page_fd, self.alarm_fd = number, number + 1
        self.left: list[int] = []
        self.is_closed = False

    def vacate(self, pid: int) -> None:
        self.left.append(pid)

    def close(self) -> None:
        self.is_closed = True


class Maker:
    def __init__(self) -> None:
        self.made: dict[str, Made] = {}

    def __call__(self, name: str, seats: int) -> Made:
        assert seats == 4
        self.made[name] = Made(10 * (len(self.made) + 1))
        return self.made[name]


def watcher(name: str = "web", *, backend: str = "gevent", count: int = 5, use_sockets: bool = True) -> WatcherConfig:
    cmd = f"chaussette --fd $(circus.sockets.web) --backend {backend} app:app"
    return WatcherConfig(name=name, cmd=cmd, numprocesses=count, use_sockets=use_sockets)


def test_all_processes_of_a_watcher_share_one() -> None:
    maker = Maker()
    gates = Gates(4, maker)
    assert gates.fds(watcher()) == gates.fds(watcher()) == (10, 11)
    assert gates.fds(watcher("other", backend="fastgevent")) == (20, 21)
    # It stays when there are fewer: those that run are behind it.
    assert gates.fds(watcher(count=2)) == (10, 11)


@pytest.mark.parametrize(
    "config",
    [
        watcher(count=4),
        watcher(backend="waitress"),
        watcher(use_sockets=False),
        WatcherConfig(name="a", cmd="sleep 9", numprocesses=9, use_sockets=True),
    ],
)
def test_others_need_none(config: WatcherConfig) -> None:
    maker = Maker()
    assert Gates(4, maker).fds(config) is None
    assert maker.made == {}
    assert Gates().fds(watcher()) is None


def test_it_hears_of_those_that_end_and_goes_with_its_watcher() -> None:
    maker = Maker()
    gates = Gates(4, maker)
    gates.fds(watcher())
    gates.left("web", 7)
    gates.left("other", 8)
    assert maker.made["web"].left == [7]
    gates.forget("other")
    gates.forget("web")
    assert maker.made["web"].is_closed
    gates.fds(watcher("third"))
    gates.close()
    assert maker.made["third"].is_closed


def test_without_descriptors_all_watch(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_name: str, _seats: int) -> Made:
        raise OSError(24, "Too many open files")

    assert Gates(4, fail).fds(watcher()) is None
    assert "web: all 5 workers watch their sockets: [Errno 24] Too many open files" in caplog.text
