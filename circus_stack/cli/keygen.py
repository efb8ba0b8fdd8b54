"""`circus-stack keygen`: makes the keys that clients of a TCP endpoint need. Prints no secret, replaces nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from circus_stack.errors import CircusStackError
from circus_stack.protocol.keys import KeyFile
from circus_stack.protocol.roles import MEANING, Role

_HEAD = """\
# Who may come in at the TCP endpoints: ROLE PUBLIC-KEY NAME, one a line.
{roles}
# A line that is taken away counts from the next `circusctl reloadconfig` (circus-stack reload) on.
"""
_CONTEXT = {"help_option_names": ["-h", "--help"]}
_FILE_MODE, _DIRECTORY_MODE = 0o600, 0o700

_directory_option = click.option(
    "--dir",
    "directory",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the arbiter's keys [~/.config/circus-stack/keys].",
)


@click.group(context_settings=_CONTEXT)
def keygen() -> None:
    """Make keys, so that an arbiter can be steered from other machines, by those who hold one.

    Once where the arbiter runs, then once for each client:

    \b
    circus-stack keygen server                    the arbiter's own key
    circus-stack keygen client ann --role admin   a key for ann, who may do everything
    circus-stack keygen client board --role view  a key that can only look

    \b
    Then, in the stack's ini:
    [circus]
    keys_dir = ~/.config/circus-stack/keys
    endpoint = tcp://0.0.0.0:5555

    Carry ann.key to her machine by a way that you trust, scp for example, and there:

    \b
    circusctl --endpoint tcp://HOST:5555 --key ann.key status
    """


@keygen.command(context_settings=_CONTEXT)
@_directory_option
def server(directory: Path | None) -> None:
    """Make the arbiter's own key pair, and an empty list of the clients that may come in.

    \b
    circus-stack keygen server
    circus-stack keygen server --dir /etc/circus-stack/keys
    """
    from circus_stack.control.keyring import AUTHORIZED, OWN_KEY

    directory = _place(directory)
    _make_directory(directory)
    pair = _new_pair("")
    _write_new(directory / OWN_KEY, pair.text("the arbiter"))
    roles = "\n".join(f"# {role}: {meaning}" for role, meaning in MEANING.items())
    if not (directory / AUTHORIZED).exists():
        _write_new(directory / AUTHORIZED, _HEAD.format(roles=roles))
    click.echo(f"{directory / OWN_KEY} is the arbiter's key; its public part is\n  {pair.public}")
    click.echo(f"Next: circus-stack keygen client NAME{_dir_flag(directory)}\n[circus]\nkeys_dir = {directory}")


@keygen.command(context_settings=_CONTEXT)
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([each.value for each in Role]),
    required=True,
    help="; ".join(f"{role}: {meaning}" for role, meaning in MEANING.items()) + ".",
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="[NAME.key]")
@_directory_option
def client(name: str, role: str, output: Path | None, directory: Path | None) -> None:
    """Make a key pair for a client, and let it in: its public key is added to authorized_keys.

    The file that is written holds the secret key, and the public key of the arbiter. A running arbiter reads its list
    again with `circusctl reloadconfig`.

    \b
    circus-stack keygen client ann --role admin
    circus-stack keygen client board --role view -o /srv/board/board.key
    """
    from circus_stack.control.keyring import AUTHORIZED, read_keyring
    from circus_stack.errors import ConfigError
    from circus_stack.protocol.keys import AuthorizedKey

    directory = _place(directory)
    _check_name(name)
    try:
        keyring = read_keyring(directory)
    except ConfigError as error:
        raise click.ClickException("\n".join(_plain(each) for each in error.problems)) from None
    if any(each.name == name for each in keyring.authorized):
        raise click.ClickException(f"{directory / AUTHORIZED} has a key of {name!r} already: take its line away first")
    pair = _new_pair(keyring.own.public)
    path = output or Path(f"{name}.key")
    _write_new(path, pair.text(f"{name}, with the role {role}"))
    _append(directory / AUTHORIZED, AuthorizedKey(Role(role), pair.public, name).line())
    click.echo(f"{path} is the key of {name}: {role}, who {MEANING[Role(role)]}")
    click.echo(f"A running arbiter lets it in after circusctl reloadconfig; then, there:\n  {_use(path)}")


def _use(path: Path) -> str:
    return f"circusctl --endpoint tcp://HOST:PORT --key {path.name} status"


def _plain(problem: object) -> str:
    return str(problem).replace("[circus] keys_dir: ", "")


def _check_name(name: str) -> None:
    if not name.isprintable() or not name.strip() or "/" in name or name.startswith((".", "#", "-")):
        raise click.BadParameter(f"{name!r} is no name for a key: letters, digits and blanks", param_hint="NAME")


def _place(directory: Path | None) -> Path:
    return directory.expanduser().absolute() if directory else default_directory(os.environ, Path.home())


def default_directory(environ: Mapping[str, str], home: Path) -> Path:
    """Where keys are made unless it is said otherwise."""
    config = environ.get("XDG_CONFIG_HOME", "")
    return (Path(config) if config.startswith("/") else home / ".config") / "circus-stack" / "keys"


def _dir_flag(directory: Path) -> str:
    return "" if directory == default_directory(os.environ, Path.home()) else f" --dir {directory}"


def _new_pair(server_public: str) -> KeyFile:
    from circus_stack.client.credentials import new_key_pair

    try:
        return new_key_pair(server_public)
    except CircusStackError as error:
        raise click.ClickException(str(error)) from None


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"{directory} cannot be made: {error.strerror}") from None


def _write_new(path: Path, text: str) -> None:
    """A file that only this user can read from its first moment on, and that was not there before."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(
            f"{path} exists already, and whoever uses it would be locked out: remove it yourself if that is meant"
        ) from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None


def _append(path: Path, line: str) -> None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _FILE_MODE)
        with os.fdopen(fd, "r+b") as file:
            ends_open = bool(before := file.read()) and not before.endswith(b"\n")
            file.write(f"{chr(10) if ends_open else ''}{line}\n".encode())
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None
