"""A real sshd on loopback for a test, without privileges: keys, known hosts and configuration of its own.

sshd that isn't root logs in nobody but its own user: ours, or `nobody` where the tests run as root.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S, wait_until

SSHD = "/usr/sbin/sshd"
# Without PAM, sshd takes the account `nobody` for locked.
_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host
AuthorizedKeysFile {directory}/user.pub
PidFile none
StrictModes no
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
"""


@dataclass(frozen=True)
class SshServer:
    """`server` is what `--ssh` takes, `keyfile` the key that it lets in; `environ` makes ssh trust it."""

    server: str
    keyfile: Path
    other_keyfile: Path
    environ: dict[str, str]
    popen: subprocess.Popen[bytes]


def make_key(path: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)],
        check=True,
        timeout=PATIENCE_S,
        capture_output=True,
    )


@contextlib.contextmanager
def ssh_server(directory: Path) -> Iterator[SshServer]:
    """An sshd for the length of a block; `directory` keeps the client's side."""
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    theirs = Path(tempfile.mkdtemp(prefix="csssh", dir="/tmp"))
    port = free_port()
    for name in ("host", "user"):
        make_key(theirs / name)
    (theirs / "sshd_config").write_text(_CONFIG.format(port=port, directory=theirs))
    environ = _client(directory, theirs, port)
    for each in (theirs, *theirs.iterdir()):
        os.chown(each, user.pw_uid, user.pw_gid)
    log = (directory / "sshd.log").open("wb")
    popen = subprocess.Popen(
        [SSHD, "-D", "-e", "-f", str(theirs / "sshd_config")],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        **({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}),
    )
    try:
        told = lambda: (directory / "sshd.log").read_text()  # noqa: E731
        wait_until(lambda: "Server listening" in told(), "sshd", detail=told)
        yield SshServer(f"{user.pw_name}@127.0.0.1:{port}", directory / "user", directory / "other", environ, popen)
    finally:
        popen.terminate()
        popen.wait(PATIENCE_S)
        log.close()
        shutil.rmtree(theirs, ignore_errors=True)


def _client(directory: Path, theirs: Path, port: int) -> dict[str, str]:
    """An `ssh` that is Debian's, with known hosts of the test's: it looks up its user's home without HOME."""
    shutil.copy(theirs / "user", directory / "user")
    make_key(directory / "other")
    host_key = " ".join((theirs / "host.pub").read_text().split()[:2])
    (directory / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    (directory / "ssh_config").write_text(
        f"UserKnownHostsFile {directory}/known_hosts\nGlobalKnownHostsFile /dev/null\nIdentitiesOnly yes\n"
        "IdentityAgent none\nStrictHostKeyChecking yes\n"
    )
    wrapper = directory / "bin" / "ssh"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {directory}/ssh_config "$@"\n')
    wrapper.chmod(0o755)
    return {"PATH": f"{wrapper.parent}:{os.environ['PATH']}"}
