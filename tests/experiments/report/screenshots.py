"""Every page as it looks on a desk and on a phone, in light and in dark.

`python -m tests.experiments.report.screenshots` renews the pictures that a test compares with.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from experiments.analyze.run import analyze
from experiments.records.experiment.scorecard import Scorecard
from experiments.records.reading import write_record
from experiments.report import write_report
from experiments.report.ids.page import render as render_ids
from experiments.report.operating.page import render as render_operating
from experiments.report.power.page import render as render_power
from experiments.report.rewards.page import render as render_rewards
from experiments.report.scorecard.page import render as render_scorecard
from experiments.report.sweep.page import render as render_sweep
from experiments.report.validity.page import render as render_validity
from tests.experiments.analyze.planted import ORDERS, RATE, VIEWS, visits
from tests.experiments.report.browser import Browser, browser, find_chromium
from tests.experiments.report.fake_attribution import fake_attribution
from tests.experiments.report.fake_run import fake_run
from tests.experiments.report.ids import fake_results
from tests.experiments.report.operating import fake_operating
from tests.experiments.report.power import fake_power
from tests.experiments.report.rewards import fake_record
from tests.experiments.report.sweep import fake_sweep
from tests.experiments.report.validity import fake_validity

NAMES = ("run", "ids", "rewards", "sweep", "worlds", "validity", "operating", "scorecard", "power")
GOLDEN = Path(__file__).parents[2] / "golden" / "pages"
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
FONTS = (  # the reader's own font differs from machine to machine
    '<style>:root{font-family:"DejaVu Sans"!important}'
    'pre,code{font-family:"DejaVu Sans Mono"!important}</style></head>'
)
WIDTHS = (1280, 375)
THEMES = ("light", "dark")
KINDS = tuple((width, theme) for width in WIDTHS for theme in THEMES)
STEP = 8  # between the shades that a kept picture has, of 256
TILE = 8  # side of a tile of a small picture, in which a pixel is four by four of the page's
MOST = 0.04  # mean difference of a tile that is taken for the same, of 1 from black to white
HIGHEST = 16_383  # pixels of a WebP picture
MOST_HEIGHT = 0.01  # difference in height, as a part of it


@dataclass(frozen=True)
class Look:
    """A page as it looks at one width in one theme.

    Attributes:
        name: of page, width and theme.
        picture: the page.
        sections: where each section begins and ends, in pixels of the page.
    """

    name: str
    picture: Image.Image
    sections: list[tuple[str, float, float]]

    @property
    def small(self) -> Image.Image:
        """The page at a quarter of its size, as it is compared."""
        return self.picture.reduce(4)

    def keep(self) -> None:
        """Write the small picture, in fewer shades, as the one to compare with."""
        few = self.small.point(lambda shade: min(255, (shade + STEP // 2) // STEP * STEP))
        for old in GOLDEN.glob(f"{self.name}.*"):
            old.unlink()
        if few.height > HIGHEST:
            few.save(GOLDEN / f"{self.name}.png", optimize=True)
        else:
            few.save(GOLDEN / f"{self.name}.webp", lossless=True, method=6)


def pages(folder: Path) -> dict[str, str]:
    """The pages by name, of runs and benches that never were."""
    run = fake_run(folder / "run")
    write_record(run, fake_attribution())
    return {
        "run": write_report(run).read_text(encoding="utf-8"),
        "ids": render_ids(fake_results.fake_record()),
        "rewards": render_rewards(fake_record.fake_record()),
        "sweep": render_sweep(fake_sweep.fake_sweep(2)),
        "worlds": render_sweep(fake_sweep.of_worlds()),
        "validity": render_validity(fake_validity.fake_validity()),
        "operating": render_operating(fake_operating.fake_operating()),
        "scorecard": render_scorecard(_scorecard()),
        "power": render_power(fake_power.fake_power()),
    }


def _scorecard() -> Scorecard:
    """Of a planted log."""
    named = {"unit": "customer", "arm": "variant", "control": "old", "time": "at"}
    more = {"beside": ["banner"], "segments": ["banner"]}
    return analyze(visits(fades=0.2), metrics=(ORDERS, VIEWS, RATE), **named, **more)


def looks(
    tab: Browser, name: str, page: str, folder: Path, kinds: Iterable[tuple[int, str]] = KINDS
) -> Iterator[Look]:
    """A page at widths and in themes, its sections open and its tables folded."""
    _show(tab, name, page, folder, ".chapter")
    for width, theme in kinds:
        yield _look(tab, f"{name}-{width}-{theme}", width, theme)


def unfolded(tab: Browser, name: str, page: str, folder: Path) -> Iterator[Look]:
    """A page at every width with all its folds open."""
    _show(tab, name, page, folder, "details")
    for width in WIDTHS:
        yield _look(tab, f"{name}-{width}-unfolded", width, "light")


def _show(tab: Browser, name: str, page: str, folder: Path, opened: str) -> None:
    """Show a page without its script."""
    file = folder / f"{name}.html"
    still = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    file.write_text(still.replace("</head>", FONTS), encoding="utf-8")
    tab.open(file)
    tab.evaluate(f"document.querySelectorAll('{opened}').forEach(each => {{ each.open = true }})")


def _look(tab: Browser, name: str, width: int, theme: str) -> Look:
    tab.look(width, theme)
    boxes = tab.evaluate(
        "[...document.querySelectorAll('section')].map(s => {"
        "const box = s.getBoundingClientRect(); return [s.id, box.top, box.bottom]})"
    )
    return Look(name, tab.picture(), boxes)


def golden(name: str) -> Image.Image:
    """The picture that a look is compared with."""
    (file,) = GOLDEN.glob(f"{name}.*")
    with Image.open(file) as picture:
        return picture.convert("RGB")


def differences(look: Look, known: Image.Image) -> list[str]:
    """Where a page does not look as it did, in words; nothing where it does."""
    small = look.small
    if small.width != known.width or abs(small.height / known.height - 1) > MOST_HEIGHT:
        return [f"{look.name}: is {small.size} large, must be {known.size}"]
    found: dict[str, tuple[int, float]] = {}
    for top, worst in enumerate(tiles(_array(small), _array(known)).max(axis=1)):
        if worst > MOST:
            place = _section(look, 4 * TILE * (top + 0.5))
            count, before = found.get(place, (0, 0.0))
            found[place] = count + 1, max(before, float(worst))
    return [
        f"{look.name}: {place}: differs by up to {worst:.2f} in {count} rows of tiles, "
        f"must be < {MOST}"
        for place, (count, worst) in found.items()
    ]


def tiles(now: np.ndarray, then: np.ndarray) -> np.ndarray:
    """Mean differences of tiles.

    Args:
        now, then: (height, width, 3) colours from 0 to 1.

    Returns:
        (rows, columns) differences from 0 to 1.
    """
    rows, columns = min(len(now), len(then)) // TILE, now.shape[1] // TILE
    height, width = rows * TILE, columns * TILE
    apart = np.abs(now[:height, :width] - then[:height, :width]).max(axis=2)
    return apart.reshape(rows, TILE, columns, TILE).mean(axis=(1, 3))


def _array(picture: Image.Image) -> np.ndarray:
    """Colours from 0 to 1, blurred, so that it does not matter how edges are smoothed."""
    return np.asarray(picture.filter(ImageFilter.BoxBlur(1)), dtype=np.float32) / 255


def _section(look: Look, at: float) -> str:
    """The section that holds a height of the page."""
    return next((f"section {key}" for key, top, end in look.sections if top <= at < end), "page")


def renew() -> None:
    """Take the pictures anew."""
    program = find_chromium()
    if program is None:
        raise SystemExit("chromium == missing, must be installed")
    GOLDEN.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as path, browser(program, Path(path) / "profile") as tab:
        for name, page in pages(Path(path)).items():
            for take in (looks, unfolded):
                for look in take(tab, name, page, Path(path)):
                    look.keep()


if __name__ == "__main__":
    renew()
