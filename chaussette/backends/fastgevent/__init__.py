"""gevent for the waiting, llhttp for the parsing: an HTTP/1.1 server whose files are the way that a request takes.

`server` accepts, `connection` reads, `parser` and `environ` make a request of it, `exchange` runs the application, and
`response` makes one piece of bytes of what it returns.
"""
