"""What control groups of version 2 and 1 say of a process; nothing of one that is in this program's own."""

from __future__ import annotations

from pathlib import Path

from circus_stack.system.group_figures import GroupReader


def proc_of(base: Path, mountinfo: str, **groups: str) -> Path:
    proc = base / "proc"
    for name, lines in groups.items():
        (proc / name.strip("_")).mkdir(parents=True)
        (proc / name.strip("_") / "cgroup").write_text(lines)
    (proc / "self" / "mountinfo").write_text(mountinfo)
    return proc


def test_version_2(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "stack" / "web-1").mkdir(parents=True)
    (tree / "stack" / "cgroup.controllers").write_text("cpu memory pids\n")
    files = {"memory.current": "4096", "memory.max": "8192", "cpu.stat": "usage_usec 7\nthrottled_usec 2500000\n"}
    for name, text in files.items():
        (tree / "stack" / "web-1" / name).write_text(text)
    mountinfo = f"30 1 0:1 / {tree} rw - cgroup2 cgroup rw\n"
    groups = {"self": "0::/stack\n", "_7": "0::/stack/web-1\n", "_8": "0::/stack\n", "_9": "0::/\n"}
    reader = GroupReader(proc_of(tmp_path, mountinfo, **groups))
    assert reader.read(7) == {"group_memory": 4096, "group_memory_limit": 8192, "group_throttled": 2.5}
    (tree / "stack" / "web-1" / "memory.max").write_text("max\n")
    assert reader.read(7)["group_memory_limit"] is None
    # In ours, in the one around ours, and gone.
    assert reader.read(8) == reader.read(9) == reader.read(10) == {}


def test_version_1(tmp_path: Path) -> None:
    memory, cpu = tmp_path / "memory", tmp_path / "cpu"
    for place in (memory, cpu):
        (place / "web").mkdir(parents=True)
    (memory / "web" / "memory.usage_in_bytes").write_text("4096\n")
    (memory / "web" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (cpu / "web" / "cpu.stat").write_text("nr_periods 1\nthrottled_time 1500000000\n")
    mountinfo = (
        f"30 1 0:1 / {memory} rw - cgroup cgroup rw,memory\n31 1 0:2 / {cpu} rw - cgroup cgroup rw,cpu,cpuacct\n"
        f"32 1 0:3 / {tmp_path} rw - cgroup2 cgroup rw\n33 1 0:4 / /x rw - ext4 /dev/x rw\n"
    )
    groups = {"self": "4:memory:/\n3:cpu,cpuacct:/\n0::/\n", "_7": "4:memory:/web\n3:cpu,cpuacct:/web\n0::/\n"}
    reader = GroupReader(proc_of(tmp_path, mountinfo, **groups))
    assert reader.read(7) == {"group_memory": 4096, "group_memory_limit": None, "group_throttled": 1.5}


def test_without_groups_nothing_is_told(tmp_path: Path) -> None:
    assert GroupReader(tmp_path).read(1) == {}
