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
from experiments.report.kit.page import Section

PARTS = (
    ("attribution", "Contributions", contributions),
    ("credit", "Credit by rule", credit),
    ("sets", "Channel overlap", overlap),
    ("rise", "Exposure to purchase", flow),
    ("substitution", "Substitution", fates),
    ("shapley", "Shapley values", shapley),
    ("twoways", "Replay and worlds", causes),
    ("offpolicy", "Off-policy estimates", off_policy),
    ("studies", "Share against lift", studies),
    ("parts", "Shares by segment", segments),
)
"""Anchor and name of each section, and what draws it."""


def sections(run: Run, record: AttributionRecord) -> list[Section]:
    """The sections on attribution; no markup where the record has nothing for one."""
    lookup = look_up(run, record)
    return [(key, name, draw(lookup)) for key, name, draw in PARTS]


def look_up(run: Run, record: AttributionRecord) -> Lookup:
    """The record with the run's colours and what it knows of its channels."""
    entries = run.manifest.channels if run.manifest else ()
    channels = tuple(dict.fromkeys((*run.channels, *record.channels)))
    return Lookup(record, channels, {entry.name: entry.type for entry in entries if entry.type})
