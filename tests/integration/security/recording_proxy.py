"""A TCP proxy that remembers what a client has sent, byte for byte: what somebody on the way could have recorded."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.support.waiting import PATIENCE_S


class RecordingProxy:
    """One connection to `port` of the loopback interface; `sent` are the bytes of the client."""

    def __init__(self, port: int) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._far = ("127.0.0.1", port)
        self.sent = bytearray()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._open: list[socket.socket] = [self._listening]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            near, _ = self._listening.accept()
            far = socket.create_connection(self._far, timeout=PATIENCE_S)
            self._open += [near, far]
            back = threading.Thread(target=self._pump, args=(far, near, bytearray()), daemon=True)
            self._threads.append(back)
            back.start()
            self._pump(near, far, self.sent)

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket, record: bytearray) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                record += data
                sink.sendall(data)

    def close(self) -> None:
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)


@contextlib.contextmanager
def recording_proxy(port: int) -> Iterator[RecordingProxy]:
    """For the length of a block."""
    made = RecordingProxy(port)
    try:
        yield made
    finally:
        made.close()
