"""Figures of another machine through a real sshd: what was used, and circus-top with its five endpoints."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.cli.ssh_server import ssh_server
from tests.support.ports import free_port
from tests.support.stack import room
from tests.support.waiting import PATIENCE_S, wait_until


def test_figures_come_through_a_tunnel(tmp_path: Path) -> None:
    with room(tmp_path) as here, ssh_server(tmp_path) as server:
        names = ("endpoint", "pubsub_endpoint", "logs_endpoint", "stats_endpoint", "stats_query_endpoint")
        endpoints = {name: f"tcp://127.0.0.1:{free_port()}" for name in names}
        ini = tmp_path / "far.ini"
        options = "\n".join(f"{name} = {value}" for name, value in endpoints.items())
        ini.write_text(
            f"[circus]\n{options}\nstatsd = true\nstats_interval = 0.5\n"
            "[watcher:far]\ncmd = sleep 600\nnumprocesses = 2\n"
        )
        stack = here.circusd(str(ini))
        pids = stack.wait_pids(2, watcher="far")
        stack.wait_pids(1, watcher="circusd-stats")
        through = ["--ssh", server.server, "--ssh_keyfile", str(server.keyfile)]

        def run(*words: str) -> str:
            done = here.run(*words, env=server.environ, timeout_s=90)
            return done.stdout if done.returncode == 0 else ""

        used = [
            "circusctl",
            *through,
            "--timeout",
            "20",
            "--endpoint",
            endpoints["endpoint"],
            "stats",
            "--since",
            "10m",
        ]
        table = wait_until(lambda: run(*used), "a history", timeout_s=3 * PATIENCE_S, detail=stack.output)
        assert [line.split()[0] for line in table.splitlines()] == ["WATCHER", "far", "(all)"]
        told = json.loads(run("circus-top", *through, "--remote", endpoints["endpoint"], "--json"))
        [row] = told["stacks"]
        assert (row["name"], row["trouble"]) == (server.server, "")
        assert sorted(each["pid"] for each in row["watchers"][0]["processes"]) == pids
        assert row["watchers"][0]["figures"]["rss"] > 0
