"""One browser for all tests of pages, and the pages that it shows."""

from collections.abc import Iterator

import pytest

from tests.experiments.report.browser import Browser, browser, find_chromium
from tests.experiments.report.screenshots import FONT, pages


@pytest.fixture(scope="session")
def browsing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser; tests are skipped where there is none."""
    program = find_chromium()
    if program is None or not FONT.is_file():
        pytest.skip("needs Chromium and DejaVu: apt-get install chromium fonts-dejavu-core")
    with browser(program, tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages by name, of runs and benches that never were."""
    return pages(tmp_path_factory.mktemp("pages"))
