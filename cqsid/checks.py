"""Settings tried before anything is trained: folders of models, and beams for each level."""

from pathlib import Path

from cqsid.model import backbone_subwords
from cqsid.pretrained import check_encoder
from cqsid.saved import check_saved
from cqsid.schemes.registry import levels
from cqsid.settings import CqsidSpec


def check_settings(spec: CqsidSpec) -> None:
    """Refuse what would only fail after a training; no model is read.

    Raises:
        ConfigError: a folder that holds no such model, or beams for another number of levels.
        DataError: a checkpoint with a file that is missing, cut short or edited.
    """
    if spec.checkpoint is not None:
        spec.serving.check_levels(len(check_saved(Path(spec.checkpoint)).sizes))
        return
    backbone_subwords(spec.model)
    if spec.text.encoder is not None:
        check_encoder(Path(spec.text.encoder))
    n_levels = levels(spec.ids)
    if n_levels is not None:
        spec.serving.check_levels(n_levels)
