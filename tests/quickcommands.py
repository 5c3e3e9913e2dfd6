"""The command `funnelab` for scripts of tests, without seconds of loading libraries each time.

    python -m tests.quickcommands SOCKET

It loads the libraries once; then every command that asks at the socket becomes a process forked
from it, with the asker's words, folder, environment and streams.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

_LIBRARIES = (
    "attribution.run",
    "idsbench.run",
    "rewardlab.run",
    "running.run",
    "commands.checking",
)

# What stands for the command: hands over what it was called with, and ends as it is told.
_ASKER = """#!{python} -IS
import json, os, socket, sys
asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
with socket.socket(socket.AF_UNIX) as door:
    door.connect({door!r})
    socket.send_fds(door, [len(asked).to_bytes(4)], [0, 1, 2])
    door.sendall(asked)
    told = door.recv(1)
sys.exit(told[0] if told else "funnelab == ended without a status")
"""


@contextmanager
def quick_commands(folder: Path) -> Iterator[Path]:
    """What stands for the command, in a folder for PATH.

    Args:
        folder: an empty one, for it and for the socket, whose path is 107 bytes at most.
    """
    door, command = folder / "door", folder / "funnelab"
    command.write_text(_ASKER.format(python=sys.executable, door=str(door)))
    command.chmod(0o755)
    # One thread for each library: what has threads cannot be forked.
    alone = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    words = [sys.executable, "-m", "tests.quickcommands", str(door)]
    home = Path(__file__).parents[1]
    with subprocess.Popen(words, cwd=home, env=os.environ | alone) as program:
        try:
            while not door.exists():
                assert program.poll() is None, "commands == nobody there, must be forked"
                time.sleep(0.01)
            yield command
        finally:
            program.terminate()


def _main(path: str) -> None:
    for name in _LIBRARIES:
        import_module(f"experiments.{name}")
    signal.signal(signal.SIGCHLD, _bury)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{path}.new")
        door.listen()
        os.rename(f"{path}.new", path)  # whoever sees it can ask
        while True:
            asker, _ = door.accept()
            if os.fork() == 0:
                door.close()
                _be_command(asker)
            asker.close()


def _bury(*_: object) -> None:
    """Take leave of the commands that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _be_command(asker: socket.socket) -> None:
    from experiments.cli import run_command

    status = 70
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        size, streams, _, _ = socket.recv_fds(asker, 4, 3)
        for own, its in enumerate(streams):
            os.dup2(its, own)
            os.close(its)
        sys.stdout, sys.stderr = (open(own, "w", closefd=False) for own in (1, 2))  # noqa: SIM115
        with asker.makefile("rb") as told:
            words, folder, environment = json.loads(told.read(int.from_bytes(size)))
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["funnelab", *words]
        status = run_command(words)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        asker.sendall(status.to_bytes())
        os._exit(status)


if __name__ == "__main__":
    _main(sys.argv[1])
