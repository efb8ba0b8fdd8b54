"""From a watcher's options to the plan of one process."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.arbiter.launch import Surroundings, inherited_sockets, is_told_of_post, plan_launch, plan_sibling
from circus_stack.arbiter.posts import Post
from circus_stack.arbiter.site_packages import site_packages
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Readiness, ReadinessForm
from circus_stack.errors import SpawnError
from circus_stack.system.spawn import SpawnPlan

FDS = {"web": 7, "admin": 3, "mail": 12}


def plan(lane: int = 0, around: Surroundings | None = None, **options: object) -> SpawnPlan:
    config = WatcherConfig(name="w", **{"cmd": "prog", **options})  # type: ignore[arg-type]
    return plan_launch(config, 4, around or surroundings(), 21, 22, lane=lane)


def surroundings(environ: dict[str, str] | None = None, **more: object) -> Surroundings:
    environ = {"PATH": "/bin", "HOME": "/h"} if environ is None else environ
    return Surroundings(FDS, environ, Path("/run/n"), 30, module_path=("/m/one", "/m/two"), **more)  # type: ignore[arg-type]


def test_the_socket_of_the_console_is_only_for_who_names_it() -> None:
    fds = {"web": 7, "circushttpd": 3}
    every = WatcherConfig(name="w", cmd="prog", use_sockets=True)
    own = WatcherConfig(name="c", cmd="prog $(circus.sockets.circushttpd)", use_sockets=True)
    assert inherited_sockets(every, fds, frozenset()) == {"web"}
    assert inherited_sockets(own, fds, frozenset()) == {"circushttpd"}


def test_a_command_is_split_into_words_and_no_shell_sees_it() -> None:
    assert plan(cmd="prog 'a b' $HOME | cat", args="-x; ls").argv == ["prog", "a b", "$HOME", "|", "cat", "-x;", "ls"]


def test_a_shell_gets_the_line_as_it_is_written() -> None:
    made = plan(cmd="echo $HOME 'a  b' | cat $(circus.wid)", args="-n", shell=True, shell_args="zero 'o ne'")  # noqa: S604 - a plan only
    assert made.argv == ["/bin/sh", "-c", "echo $HOME 'a  b' | cat 4 -n", "zero", "o ne"]


def test_an_empty_command_is_refused() -> None:
    for is_shell in (False, True):
        with pytest.raises(SpawnError, match="the command is empty"):
            plan(cmd=" ", shell=is_shell)


def test_every_form_of_variable_in_cmd_args_and_env() -> None:
    made = plan(
        cmd="prog $(circus.wid) ((circus.WID)) $WID $(circus.sockets.web)",
        args="$(circus.working_dir) $(circus.env.X) $(circus.numprocesses)",
        env={"X": "x", "Y": "$(circus.wid)-((circus.sockets.admin))-$(circus.env.X)-$(circus.working_dir)"},
        working_dir="/tmp",
        numprocesses=9,
    )
    assert made.argv == ["prog", "4", "4", "4", "7", "/tmp", "x", "9"]
    assert made.env["Y"] == "4-3-x-/tmp"


def test_users_and_groups_are_numbers_in_texts() -> None:
    made = plan(cmd="prog $(circus.uid)", uid="root", around=surroundings())
    assert made.argv == ["prog", "0"]


def test_a_process_is_known_by_its_marker_and_by_those_of_the_arbiters_around_ours() -> None:
    around = surroundings({"CIRCUS_STACK_PROCESS": "out/circusd/1/aa"}, instance="in")
    config = WatcherConfig(name="Big One", cmd="x", env={"CIRCUS_STACK_PROCESS": "somebody/else/1/bb"})
    found = plan_launch(config, 4, around, 21, 22, token="cc").env["CIRCUS_STACK_PROCESS"]
    assert found == "out/circusd/1/aa in/Big%20One/4/cc"


def test_the_environment_is_the_watchers_own_unless_it_is_copied() -> None:
    assert dict(plan(env={"A": "1"}).env) == {"A": "1"}
    copied = plan(
        env={"A": "1"}, copy_env=True, around=surroundings({"B": "2", "LISTEN_FDS": "1", "NOTIFY_SOCKET": "x"})
    )
    assert dict(copied.env) == {"A": "1", "B": "2"}


def test_the_module_path_is_copied_and_the_watchers_own_wins() -> None:
    assert plan(copy_env=True, copy_path=True).env["PYTHONPATH"] == "/m/one:/m/two"
    assert plan(copy_env=True, copy_path=True, env={"PYTHONPATH": "/mine"}).env["PYTHONPATH"] == "/mine"


def test_a_virtual_environment_follows_what_is_there(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3.9" / "site-packages"
    packages.mkdir(parents=True)
    made = plan(copy_env=True, virtualenv=str(tmp_path), env={"PYTHONPATH": "/mine"})
    assert made.env["PYTHONPATH"] == f"/mine:{packages}"
    assert plan(copy_env=True, virtualenv=str(tmp_path)).env["PYTHONPATH"] == str(packages)


def test_a_virtual_environment_of_several_pythons_needs_a_version(tmp_path: Path) -> None:
    for version in ("3.9", "3.11"):
        (tmp_path / "lib" / f"python{version}" / "site-packages").mkdir(parents=True)
    assert site_packages(str(tmp_path), "3.9") == (str(tmp_path / "lib" / "python3.9" / "site-packages"),)
    with pytest.raises(SpawnError, match=r"several Pythons \(python3.11, python3.9\); set virtualenv_py_ver"):
        site_packages(str(tmp_path), None)
    with pytest.raises(SpawnError, match=r"there is no lib/python3.8/site-packages in it"):
        site_packages(str(tmp_path), "3.8")


def test_sockets_keep_their_numbers() -> None:
    made = plan(cmd="prog $(circus.sockets.web)", args="$(circus.sockets.mail)", use_sockets=True)
    assert made.argv == ["prog", "7", "12"]
    assert (made.pass_fds, dict(made.moved_fds), made.tells_pid) == ((7, 12), {}, False)


def test_sockets_offered_as_systemd_does_begin_at_three() -> None:
    made = plan(cmd="prog $(circus.sockets.web) $(circus.sockets.mail)", use_sockets=True, listen_fds=True)
    assert made.argv == ["prog", "3", "4"]
    assert {**dict(made.moved_fds), **{fd: fd for fd in made.pass_fds}} == {3: 7, 4: 12}
    assert (made.env["LISTEN_FDS"], made.env["LISTEN_FDNAMES"], made.tells_pid) == ("2", "web:mail", True)


def test_listed_sockets_alone_are_offered_and_stand_first() -> None:
    made = plan(cmd="prog $(circus.sockets.web)", use_sockets=True, listen_fds=("Mail",))
    assert made.argv == ["prog", "4"]
    assert {**dict(made.moved_fds), **{fd: fd for fd in made.pass_fds}} == {3: 12, 4: 7}
    assert (made.env["LISTEN_FDS"], made.env["LISTEN_FDNAMES"], made.tells_pid) == ("1", "mail", True)


@pytest.mark.parametrize("offer", [False, True])
def test_a_lane_is_for_those_alone_that_name_it(offer: bool) -> None:
    def lane_fd(name: str, _watcher: str, lane: int) -> int:
        assert name == "fast"
        return 40 + lane

    around = Surroundings({"web": 7, "fast": 9}, {}, Path("/run/n"), 30, frozenset({"fast"}), lane_fd)
    silent = plan(use_sockets=True, listen_fds=offer, around=around)
    assert {*silent.pass_fds, *silent.moved_fds.values()} == {7}
    named = plan(use_sockets=True, listen_fds=("fast",), around=around)
    assert dict(named.moved_fds) == {3: 40}
    assert named.env["LISTEN_FDNAMES"] == "fast"


def test_nothing_is_offered_where_nothing_is_inherited() -> None:
    made = plan(listen_fds=True)
    assert not made.tells_pid
    assert "LISTEN_FDS" not in made.env


def test_a_notifying_process_of_another_user_gets_a_number_that_is_free() -> None:
    around = Surroundings({"web": 7}, {}, Path("/run/n"), 3)
    made = plan(use_sockets=True, listen_fds=True, uid="0", ready=Readiness(ReadinessForm.NOTIFY), around=around)
    assert made.env["NOTIFY_SOCKET"] == "/proc/self/fd/4"
    assert dict(made.moved_fds) == {3: 7, 4: 3}


def test_stdin_is_nothing_the_arbiters_own_or_a_socket() -> None:
    assert plan().stdin_fd is None
    assert plan(close_child_stdin=False).stdin_fd == 0
    assert plan(stdin_socket="Mail").stdin_fd == 12
    with pytest.raises(SpawnError, match="there is no socket named 'nope'"):
        plan(stdin_socket="nope")


def test_limits_are_handed_on() -> None:
    assert plan(rlimits={"nofile": (64, 128)}).limits == {"nofile": (64, 128)}


def test_each_lane_has_a_socket_of_its_own_in_cmd_and_in_args() -> None:
    asked: list[tuple[str, str, int]] = []

    def lane_fd(socket: str, watcher: str, lane: int) -> int:
        asked.append((socket, watcher, lane))
        return 40 + lane

    around = surroundings(laned=frozenset({"web", "mail"}), lane_fd=lane_fd)
    made = plan(3, around, args="--fd $(circus.sockets.web)", use_sockets=True)
    assert (made.argv, made.pass_fds) == (["prog", "--fd", "43"], (43,))
    assert asked == [("web", "w", 3)]


def test_a_sibling_of_a_process_that_found_the_scoreboard_full_is_told_of_its_post_too() -> None:
    around = surroundings(scoreboard_fd=9)
    config = WatcherConfig(name="w", cmd="prog")
    without = plan_launch(config, 1, around, 21, 22, token="t")
    assert not is_told_of_post(without, Post(3, 1))
    assert is_told_of_post(without, None)
    first = plan_launch(config, 1, around, 21, 22, token="t", post=Post(3, 1))
    assert is_told_of_post(first, Post(4, 1))
    sibling = plan_sibling(first, config, 2, around, 21, 22, token="u", post=Post(4, 1))
    assert sibling.env["CHAUSSETTE_SCOREBOARD"] == "9:4:1"
