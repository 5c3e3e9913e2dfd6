"""A query of the log engine ends when the process is asked to end."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@contextmanager
def interruptible(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """While inside, Ctrl-C, SIGTERM and SIGHUP stop whatever the connection is at.

    DuckDB asks Python for signals between tasks of its own thread alone: where another thread has
    the whole query, nobody asks, and Python's handler waits until the query is over. So a thread
    is told of signals and stops the query; then the handler runs, as it would at any other time.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread alone, which is at something else
        return
    told, tells = socket.socketpair()
    tells.setblocking(False)
    before = signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)

    def watch() -> None:
        while heard := told.recv(64):
            if _ENDING.intersection(heard):
                connection.interrupt()

    watching = threading.Thread(target=watch, daemon=True, name="interruptible")
    watching.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        tells.close()
        watching.join()
        told.close()
