"""Circus's client library against an endpoint: blocking and asynchronous. Prints JSON.

usage: released_client.py ENDPOINT
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from circus.client import AsyncCircusClient, CircusClient, cast_message, make_message
from circus.exc import CallError

Replies = dict[str, Any]


def ask(client: CircusClient) -> Replies:
    """One blocking client, in both of its ways to send."""
    pids = client.send_message("list", name="web")["pids"]
    return {
        "message": client.send_message("numwatchers"),
        "call": client.call(make_message("status", name="web")),
        "unknown": client.send_message("nothing"),
        "error": client.send_message("list", name="nobody"),
        "stats": client.send_message("stats", name="web", process=pids[0]),
        "options": client.send_message("options", name="plain"),
        "incr": client.send_message("incr", name="web", waiting=True),
        "decr": client.send_message("decr", name="web", waiting=True),
        "set": client.send_message("set", name="web", options={"graceful_timeout": 7}, waiting=True),
        "get": client.send_message("get", name="web", keys=["graceful_timeout"]),
        "add": client.send_message("add", name="Late", cmd="sleep 600", start=True, waiting=True),
        "restart": client.send_message("restart", name="late", waiting=True),
        "rm": client.send_message("rm", name="late", waiting=True),
        "list": client.send_message("list"),
    }


def cast(client: CircusClient) -> Replies:
    """A request without an answer, and one with."""
    client.socket.send_json(cast_message("stop", name="plain"))
    return {"after a cast": client.send_message("numwatchers")}


def time_out(endpoint: str) -> str:
    """What a client says that waits too short."""
    client = CircusClient(endpoint=endpoint, timeout=0.2)
    try:
        client.send_message("stop", name="stubborn", waiting=True)
    except CallError as error:
        return str(error)
    finally:
        client.stop()
    return "answered"


async def ask_async(endpoint: str) -> Replies:
    """The coroutine client."""
    client = AsyncCircusClient(endpoint=endpoint)
    try:
        return {"async message": await client.send_message("status"), "async error": await client.send_message("no")}
    finally:
        client.stop()


def main() -> None:
    endpoint = sys.argv[1]
    client = CircusClient(endpoint=endpoint, timeout=20)
    results: Replies = {
        **ask(client),
        **asyncio.run(ask_async(endpoint)),
        "time-out": time_out(endpoint),
        **cast(client),
    }
    print(json.dumps(results))
    client.stop()


if __name__ == "__main__":
    main()
