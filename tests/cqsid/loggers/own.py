"""Loggers as a user may write them."""

import json


class Lines:
    """Writes a line of JSON for each time that it is told something."""

    def __init__(self, training):
        training.folder.mkdir(parents=True)
        self.path = training.folder / f"{training.name}.jsonl"

    def log(self, scalars, step):
        self._write({"step": step, **scalars})

    def close(self):
        self._write({"closed": True})

    def _write(self, told):
        with self.path.open("a") as stream:
            stream.write(json.dumps(told) + "\n")


class Failing(Lines):
    """Is lost at its second step."""

    def log(self, scalars, step):
        if step == 2:
            raise OSError("no space left")
        super().log(scalars, step)


class NoLogger:
    def __init__(self, training):
        pass
