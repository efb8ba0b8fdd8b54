"""Where the groups of this process are, as its files in /proc say, and how shares of processors are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.config.kinds import CPU_SHARE
from circus_stack.system.cgroups import find_hierarchies


def proc(directory: Path, cgroup: str, mounts: str) -> Path:
    (directory / "cgroup").write_text(cgroup)
    (directory / "mountinfo").write_text(mounts)
    return directory


def test_both_versions_are_found_each_with_its_controllers(tmp_path):
    unified = tmp_path / "unified"
    (unified / "a").mkdir(parents=True)
    (unified / "a" / "cgroup.controllers").write_text("cpuset pids\n")
    files = proc(
        tmp_path,
        "4:memory:/own/group\n2:cpu,cpuacct:/\n8:pids:/\n0::/a\n",
        "1 0 0:1 / /c/memory rw shared:1 - cgroup cgroup rw,memory\n"
        "2 0 0:2 / /c/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "3 0 0:3 / /c/pids rw - cgroup cgroup rw,pids\n"
        f"4 0 0:4 / {unified} rw - cgroup2 cgroup2 rw\n"
        "5 0 0:5 / /tmp rw - tmpfs tmpfs rw\n",
    )
    found = find_hierarchies(files)
    assert {name: (str(each.base), each.is_v2) for name, each in found.items()} == {
        "memory": ("/c/memory/own/group", False),
        "cpu": ("/c/cpu,cpuacct", False),
        "pids": (str(unified / "a"), True),
    }


def test_in_a_container_a_path_counts_from_what_is_mounted(tmp_path):
    files = proc(tmp_path, "4:memory:/docker/1/sub\n", "1 0 0:1 /docker/1 /c/m rw - cgroup cgroup rw,memory\n")
    assert str(find_hierarchies(files)["memory"].base) == "/c/m/sub"
    files = proc(tmp_path, "4:memory:/\n", "1 0 0:1 /docker/1 /c/m rw - cgroup cgroup rw,memory\n")
    assert str(find_hierarchies(files)["memory"].base) == "/c/m"


def test_none_at_all(tmp_path):
    assert find_hierarchies(proc(tmp_path, "", "1 0 0:1 / / rw - ext4 /dev/vda rw\n")) == {}


@pytest.mark.parametrize(
    ("text", "share"),
    [("1.5", 1.5), ("50%", 0.5), ("250 percent", 2.5), ("50000 100000", 0.5), ("0", None), ("", None)],
)
def test_shares_of_processors(text, share):
    assert CPU_SHARE.parse(text) == share


@pytest.mark.parametrize(
    "text", ["-1", "nan", "inf", "1 2 3", "max 100000", "0.001", "100000000%", "1e3", "5 0", "half"]
)
def test_what_is_no_share(text):
    with pytest.raises(ValueError):
        CPU_SHARE.parse(text)
