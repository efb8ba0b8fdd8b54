"""The names of the headers by which proxies tell who the client is. Names only: the options need nothing else."""

from __future__ import annotations

FORWARDED = "forwarded"
FOR, PROTO, HOST, PORT, PREFIX = (f"x-forwarded-{name}" for name in ("for", "proto", "host", "port", "prefix"))
HEADERS = (FOR, PROTO, HOST, PORT, PREFIX, FORWARDED)
# What nearly every proxy sets, so that no client can. The others are passed on from the client by many.
USUAL = (FOR, PROTO)
