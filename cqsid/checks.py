"""Settings tried before anything is trained: folders of models, and beams for each level."""

from pathlib import Path

from cqsid.generator.model import backbone_subwords
from cqsid.generator.pretrained import check_encoder
from cqsid.saved import check_saved
from cqsid.settings import CqsidSpec
from cqsid.tokenizer.schemes.registry import levels, starts_with_category
from simulator.errors import ConfigError


def check_settings(spec: CqsidSpec) -> None:
    """Refuse what would only fail after a training; no model is read.

    Raises:
        ConfigError: a folder that holds no such model, beams for another number of levels, or a
            search by category among ids that do not begin with one.
        DataError: a checkpoint with a file that is missing, cut short or edited.
    """
    if spec.checkpoint is not None:
        spec.serving.check_levels(len(check_saved(Path(spec.checkpoint)).sizes))
        return
    known = spec.ids.scheme != "custom"  # what ids a custom scheme makes, its items will tell
    if spec.serving.related_only and known and not starts_with_category(spec.ids):
        raise ConfigError(
            f"serving.related_only == True, must be false for ids of {spec.ids.scheme}: "
            "their first code is not the category"
        )
    backbone_subwords(spec.model)
    if spec.text.encoder is not None:
        check_encoder(Path(spec.text.encoder))
    n_levels = levels(spec.ids)
    if n_levels is not None:
        spec.serving.check_levels(n_levels)
