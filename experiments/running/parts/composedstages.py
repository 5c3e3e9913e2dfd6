"""The stages of channels that are made of others."""

from collections.abc import Callable, Mapping

from experiments.config.schema import Config
from experiments.running.channels import ComposedJob, compose_channel
from experiments.running.parts.judgestages import JudgeStages
from experiments.running.parts.stages import StepStages
from experiments.stages.maker import Maker
from experiments.stages.stage import Stage
from simulator.spec import Spec


class ComposedStages:
    """The channels of one run that are made of others.

    Args:
        judges, steps: what they may be made of beside channels.
    """

    def __init__(
        self, config: Config, maker: Maker, judges: JudgeStages, steps: StepStages
    ) -> None:
        self.config = config
        self.maker = maker
        self.judges, self.steps = judges, steps

    def made(
        self,
        catalogue: Stage,
        history: Stage,
        name: str,
        channels: Mapping[str, Stage],
        ranker: Callable[[], Stage],
        *,
        early: bool,
    ) -> Stage:
        """A channel made of others, and of judges or a ranker, which are fitted for it.

        Args:
            channels: the stages of the channels that it is made of, by name.
            ranker: finds or makes the ranker of all arms that name no other.
        """
        config, spec = self.config, self.config.channels[name]
        parts: dict[str, Stage] = {}
        told: list[Spec] = []
        for each in spec.references():
            section = config.section_of(each)
            if section == "judges":
                parts[each.field] = self.judges.fitted(catalogue, history, each.name, early=early)
                told.append(config.judges[each.name])
            elif section == "ranker":
                parts[each.field] = ranker()
                told.append(config.ranker)
            elif section == "channels":
                parts[each.field] = channels[each.name]
                told.append(config.channels[each.name])
            else:
                parts[each.field] = self.steps.fitted(
                    *(catalogue, history, section, each.name, channels), early=early
                )
                told.append(config.steps[section][each.name])
        stage = self.maker.stage(
            f"channel-{name}" + "-early" * early,
            [spec, told],
            inputs=[history.key, *(part.key for part in parts.values())],
            task=compose_channel,
        )
        job = ComposedJob(config, stage, history.path, name, parts)
        self.maker.side_by_side(stage.name, [job], "models", 1)
        return stage
