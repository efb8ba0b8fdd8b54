"""The commands, one small function each: `handler(desk, properties) -> fields`, or an awaitable of them.

A plain function is answered in the same turn of the loop; only what must wait is a coroutine. Properties have been
checked against the table of `protocol.commands`. A CommandError becomes an error reply.
"""
