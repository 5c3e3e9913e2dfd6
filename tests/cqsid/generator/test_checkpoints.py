from pathlib import Path

import pytest

from cqsid.generator.checkpoints import architecture, quiet
from simulator.errors import ConfigError


def test_a_folder_with_config_and_weights_is_read(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "qwen2"}')
    (tmp_path / "model.safetensors").touch()
    assert architecture(tmp_path, "model.backbone") == {"model_type": "qwen2"}


@pytest.mark.parametrize(
    ("config", "wanted"),
    [(None, "unreadable"), ("{", "unreadable"), ("[1]", "list, must be"), ("{}", "files ==")],
)
def test_a_folder_that_holds_no_model_is_refused_with_the_setting_that_names_it(
    tmp_path, config, wanted
):
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(ConfigError, match=f"model.backbone: .*{wanted}"):
        architecture(tmp_path, "model.backbone")


def test_a_name_on_a_hub_is_no_folder():
    with pytest.raises(ConfigError, match="must be a folder"):
        architecture(Path("Qwen/Qwen2.5-0.5B"), "model.backbone")


def test_quiet_restores_how_much_the_library_says():
    from transformers.utils import logging

    def said():
        return logging.get_verbosity(), logging.is_progress_bar_enabled()

    before, failing = said(), quiet()
    failing.__enter__()
    assert said() == (logging.ERROR, False)
    failure = ZeroDivisionError()
    assert not failing.__exit__(ZeroDivisionError, failure, None)
    assert said() == before
