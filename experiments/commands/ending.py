"""How the command ends when it is asked to end."""

import signal
from types import FrameType
from typing import NoReturn


def end_like_interrupted() -> list[int]:
    """Take a request to end (SIGTERM, SIGHUP) like Ctrl-C; a second one ends the program at once.

    Returns:
        The signals that have come, which grow as they do.
    """
    asked: list[int] = []

    def end(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(number, signal.SIG_DFL)
        asked.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # not where nohup ignores it
            signal.signal(number, end)
    return asked
