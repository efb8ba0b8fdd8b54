"""Which stacks circus-top shows, and where all their endpoints are: found on this machine, named, or asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from circus_stack.cli.ctl_reach import Tunnels
from circus_stack.cli.target import CIRCUS_ENDPOINT, ENDPOINT_VARIABLE, Target, credentials_for, find_target
from circus_stack.client.discovery import FoundStack, ManyStacksError, find_stacks
from circus_stack.client.reach import is_reachable
from circus_stack.errors import CallError
from circus_stack.top.place import Place

_PUBLISHED = ("pubsub_endpoint", "logs_endpoint", "stats_endpoint", "stats_query_endpoint")
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says. `endpoint` is that of a statistics channel, as Circus's circus-top has it; `remotes`
    are command endpoints."""

    stacks: Sequence[str] = ()
    remotes: Sequence[str] = ()
    endpoint: str | None = None
    ssh: str | None = None
    ssh_keyfile: str | None = None
    key: str | None = None
    server_key: str | None = None


def places_of(wanted: Wanted, environ: Mapping[str, str], tunnels: Tunnels) -> list[Place]:
    """All stacks that are to be shown; without a word about which, all of this user that run here. Raises CallError."""
    if wanted.endpoint is not None:
        return [_channel(wanted, wanted.endpoint, environ, tunnels)]
    remotes = list(wanted.remotes)
    if wanted.ssh is not None and not remotes:
        remotes = [CIRCUS_ENDPOINT]
    if wanted.ssh is not None and wanted.stacks:
        raise CallError("--stack looks for stacks on this machine: with --ssh name the endpoint with --remote")
    places = [_found(find_target(environ, stack=name).stack) for name in wanted.stacks]
    places += [_remote(wanted, endpoint, environ, tunnels) for endpoint in remotes]
    return _distinct(places or _here(wanted, environ))


def _here(wanted: Wanted, environ: Mapping[str, str]) -> list[Place]:
    try:
        target = find_target(environ, key=wanted.key, server_key=wanted.server_key)
    except ManyStacksError:
        return [_found(each) for each in find_stacks(environ).stacks]
    return [_found(target.stack) if target.stack is not None else _asked(target)]


def _found(stack: FoundStack | None) -> Place:
    if stack is None:
        raise CallError(f"--stack names a stack of this machine; {ENDPOINT_VARIABLE} is for --remote")
    record = stack.record
    place = Place(
        name=record.name or record.id,
        endpoint=record.endpoint,
        source=record.source,
        pid=record.pid,
        started=record.started_at,
    )
    return _with_published(place, lambda name: str(getattr(record, name)))


def _with_published(place: Place, endpoint_of: Callable[[str], str]) -> Place:
    """With its other endpoints, by their names in the configuration."""
    events, logs, stats, query = map(endpoint_of, _PUBLISHED)
    return replace(place, pubsub_endpoint=events, logs_endpoint=logs, stats_endpoint=stats, stats_query_endpoint=query)


def _remote(wanted: Wanted, endpoint: str, environ: Mapping[str, str], tunnels: Tunnels) -> Place:
    ssh = wanted.ssh
    if ssh is None:
        return _asked(find_target(environ, endpoint=endpoint, key=wanted.key, server_key=wanted.server_key))
    credentials = credentials_for(endpoint, environ, wanted.key, wanted.server_key)

    def near(far: str) -> str:
        return tunnels.through(ssh, far, wanted.ssh_keyfile, _TIMEOUT_S) if far else ""

    place = _asked(Target(near(endpoint), credentials=credentials))
    return _with_published(replace(place, name=ssh), lambda name: near(str(getattr(place, name))))


def _asked(target: Target) -> Place:
    """An arbiter that was named by its endpoint: it says where the rest is."""
    with target.client(_TIMEOUT_S) as client:
        told = client.call("globaloptions")["options"]
    place = Place(name=target.endpoint, endpoint=target.endpoint, credentials=target.credentials)
    return _with_published(place, lambda name: target.seen_from_here(str(told.get(name) or "")))


def _channel(wanted: Wanted, endpoint: str, environ: Mapping[str, str], tunnels: Tunnels) -> Place:
    """A statistics channel alone, of Circus or of ours; a stack of ours that publishes there is shown whole."""
    if wanted.ssh is None:
        known = [each for each in find_stacks(environ).stacks if each.record.stats_endpoint == endpoint]
        if known:
            return _found(known[0])
        if not endpoint.startswith(("tcp://", "ipc://")):
            raise CallError(f"--endpoint: {endpoint!r} is no endpoint: write it as tcp://HOST:PORT or ipc://PATH")
        if not is_reachable(endpoint):
            raise CallError(f"nobody listens at {endpoint}")
    credentials = credentials_for(endpoint, environ, wanted.key, wanted.server_key)
    near = endpoint if wanted.ssh is None else tunnels.through(wanted.ssh, endpoint, wanted.ssh_keyfile, _TIMEOUT_S)
    return Place(name=endpoint, stats_endpoint=near, credentials=credentials)


def _distinct(places: Sequence[Place]) -> list[Place]:
    """Each with a name of its own: of two stacks of the same name the later ones have their file's, too."""
    names: set[str] = set()
    found = []
    for place in places:
        name = place.name if place.name not in names else f"{place.name} ({place.source or place.endpoint})"
        if name not in names:
            found.append(replace(place, name=name))
        names.add(name)
    return found
