"""The keys that a client shows to an arbiter that asks for them: read from files, set on a socket beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from circus_stack.errors import CallError
from circus_stack.protocol.keys import KeyFile, is_key, parse_key_file, parse_server_key

KEY_VARIABLE = "CIRCUSCTL_KEY"
SERVER_KEY_VARIABLE = "CIRCUSCTL_SERVER_KEY"
# A key file has some lines; more than this is another file.
_MAX_FILE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """This client's key pair, and the public key that the arbiter must prove to hold."""

    public: str
    secret: str = field(repr=False)
    server: str

    def show_on(self, socket: Any) -> None:
        """Let a socket encrypt what it sends from its next connection on."""
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self.public.encode())
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.secret.encode())
        socket.setsockopt(zmq.CURVE_SERVERKEY, self.server.encode())


def read_credentials(key_file: str | Path, server_key: str | None = None) -> Credentials:
    """The credentials of a key file. `server_key`, a public key or a file that holds one, stands before the one that
    the key file names. Raises CallError."""
    path = Path(key_file).expanduser()
    text = _secret_text(path)
    try:
        keys = parse_key_file(text)
    except ValueError as error:
        raise CallError(f"{path} is no key file: {error} (circus-stack keygen client NAME makes one)") from None
    server = _server_key(server_key) if server_key else keys.server
    if not server:
        raise CallError(f"{path} does not say which arbiter it is for: name the arbiter's public key with --server-key")
    return Credentials(keys.public, keys.secret, server)


def credentials_of(
    environ: Mapping[str, str], key_file: str | None = None, server_key: str | None = None
) -> Credentials | None:
    """What was named, by an argument or by a variable; None where no key was. Raises CallError."""
    key_file = key_file or environ.get(KEY_VARIABLE)
    server_key = server_key or environ.get(SERVER_KEY_VARIABLE)
    if key_file:
        return read_credentials(key_file, server_key)
    if server_key:
        raise CallError(f"a server key alone lets nobody in: name your own key with --key FILE, or {KEY_VARIABLE}")
    return None


def new_key_pair(server: str = "") -> KeyFile:
    """A fresh pair; of a client, for the arbiter with that public key. Raises CallError where CURVE lacks."""
    try:
        public, secret = zmq.curve_keypair()
    except zmq.ZMQError:
        raise CallError("this ZeroMQ was built without CURVE; that of pyzmq's wheels has it") from None
    return KeyFile(public.decode(), secret.decode(), server)


def _server_key(given: str) -> str:
    if is_key(given.strip()):
        return given.strip()
    path = Path(given).expanduser()
    try:
        return parse_server_key(_text(path))
    except ValueError as error:
        raise CallError(f"{path} holds no public key of a server: {error}") from None


def _secret_text(path: Path) -> str:
    text = _text(path)
    if path.stat().st_mode & 0o077:
        raise CallError(f"others can read the key {path}: chmod 600 {path}")
    return text


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE).decode()
    except OSError as error:
        raise CallError(f"the key {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CallError(f"{path} is no key file") from None
