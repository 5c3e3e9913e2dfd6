"""Attribution in the report: what each channel is credited with, and what it contributes."""

from experiments.records.attribution import AttributionRecord
from experiments.records.run import Run
from experiments.report.attribution.causes import causes
from experiments.report.attribution.contributions import contributions
from experiments.report.attribution.credit import credit
from experiments.report.attribution.fates import fates
from experiments.report.attribution.flow import flow
from experiments.report.attribution.lookup import Lookup
from experiments.report.attribution.offpolicy import off_policy
from experiments.report.attribution.overlap import overlap
from experiments.report.attribution.segments import segments
from experiments.report.attribution.shapley import shapley
from experiments.report.attribution.studies import studies
from experiments.report.kit.page import Part, Section, sections as drawn

PARTS: tuple[Part[Lookup], ...] = (
    ("attribution", "Contributions", "What each channel contributes", contributions),
    ("credit", "Credit by rule", "Credit by rule beside what is incremental", credit),
    ("sets", "Channel overlap", "Overlap of channels", overlap),
    ("rise", "Exposure to purchase", "From exposure to purchase", flow),
    ("substitution", "Substitution", "Where purchases go without a channel", fates),
    ("shapley", "Shapley values", "Shapley values and interactions", shapley),
    ("twoways", "Replay and worlds", "Replay beside re-simulated worlds", causes),
    ("offpolicy", "Off-policy estimates", "Off-policy estimates", off_policy),
    ("studies", "Share against lift", "Share against lift", studies),
    ("parts", "Shares by segment", "Shares by segment", segments),
)


def sections(run: Run, record: AttributionRecord) -> list[Section]:
    """The sections on attribution that the record has something for, in the run's colours."""
    entries = run.manifest.channels if run.manifest else ()
    channels = tuple(dict.fromkeys((*run.channels, *record.channels)))
    types = {entry.name: entry.type for entry in entries if entry.type}
    return drawn(PARTS, Lookup(record, channels, types))
