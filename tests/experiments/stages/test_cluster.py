"""A cluster that cannot be joined is told in words."""

import sys

import pytest

from experiments.stages.cluster import joined
from simulator.errors import ConfigError


def test_without_ray_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    wanted = r"--address local and ray is not installed, .* pip install 'funnelab\[cluster\]'"
    with pytest.raises(ConfigError, match=wanted), joined("local", 1, "--address local"):
        raise AssertionError


def test_an_address_where_no_cluster_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")

    def refuse(**options: object) -> None:
        raise ConnectionError(f"nobody at {options['address']}\nlong advice")

    monkeypatch.setattr(ray, "init", refuse)
    wanted = r"--address 192\.0\.2\.1:1 == no cluster \(nobody at 192\.0\.2\.1:1\), must be"
    with (
        pytest.raises(ConfigError, match=wanted),
        joined("192.0.2.1:1", 1, "--address 192.0.2.1:1"),
    ):
        raise AssertionError
