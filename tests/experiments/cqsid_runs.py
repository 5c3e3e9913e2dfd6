"""Small runs with a generative channel in the treatment, which trains in a second or two."""

import shutil
from pathlib import Path

from experiments.config.schema import Config
from tests.experiments.small_runs import SMALL, read, small_config

NO_TRUTH = "truth.seeds=0"
CQSID = """
[channels.cqsid]
type = "cqsid"
device = "cpu"
text = { subwords = 200, dimensions = 16, hidden = 16, epochs = 1, device = "cpu" }
ids.rqvae = { epochs = 2, latent = 8, hidden = 16, device = "cpu" }
model = { hidden = 16, heads = 2, kv_heads = 1, layers = 1, ffn = 16 }
training.item = { epochs = 1, batch = 64 }
training.query = { epochs = 1, batch = 64 }
training.shopper = { epochs = 1, batch = 64 }
training.held_out_most = 50
training.checkpoint_steps = 2
serving.beams = 4
serving.per_beam_s = 0
"""
TREATED = 'arms.dense.channels=["lexical", "cqsid"]'  # the name of the arm stays


def cqsid_toml(folder: Path, more: str = "") -> Path:
    """The small settings with a generative channel, as a file in `folder`."""
    path = folder / "cqsid.toml"
    text = SMALL.read_text().replace('"popular", "dense"]', '"cqsid"]')
    path.write_text(text + CQSID + more)
    return path


def cqsid_config(folder: Path, *overrides: str, more: str = "") -> Config:
    """The same settings, read."""
    return small_config(TREATED, *overrides, more=CQSID + more, folder=folder)


def copied(whole: Path, place: Path, *lost: str) -> Path:
    """A copy of the finished run that has lost some stages."""
    shutil.copytree(whole, place, symlinks=True)
    for name in lost:
        for path in (place / "stages").glob(f"{name}-*"):
            shutil.rmtree(path)
    return place


def cached(folder: Path) -> dict[str, bool]:
    return {one["name"]: one["cached"] for one in read(folder, "manifest")["stages"]}


def stage_of(folder: Path, name: str) -> Path:
    keys = {one["name"]: one["key"] for one in read(folder, "manifest")["stages"]}
    return folder / "stages" / f"{name}-{keys[name]}"
