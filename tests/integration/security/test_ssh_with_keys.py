"""`circusctl --ssh` to an arbiter with keys: the tunnel leads there, and whoever comes by it needs a key."""

from __future__ import annotations

from tests.integration.cli.ssh_server import ssh_server
from tests.integration.security.guarded import Guarded


def test_a_tunnel_takes_a_key_along(guarded: Guarded) -> None:
    here = guarded.here
    with ssh_server(here.directory) as server:
        at = ["circusctl", "--ssh", server.server, "--ssh_keyfile", str(server.keyfile), "--timeout", "20"]

        def run(*words: str) -> tuple[int, str]:
            done = here.run(*at, *words, env=server.environ, timeout_s=60)
            return done.returncode, done.stdout or done.stderr

        key = ["--key", str(guarded.files["view"])]
        assert run("--endpoint", guarded.endpoint(), *key, "list") == (0, "web\n")
        assert run("--endpoint", guarded.endpoint(), *key, "incr", "web")[0] == 3
        # This sshd runs as another user: to whom the private socket is closed.
        status, told = run("--endpoint", guarded.stack.found().record.endpoint, "list")
        assert (status, "open failed" in told) == (1, True), told
        status, told = run("--endpoint", guarded.endpoint(), "list")
        assert status == 1
        assert "name it with --key FILE" in told
