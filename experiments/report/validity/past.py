"""Past experiments beside simulated ones: what was found over what was simulated."""

from experiments.records.validity import PastTest, Validity
from experiments.report.kit.curves import Spot, plane
from experiments.report.kit.digits import change_words, with_range
from experiments.report.kit.page import Content, figure, judged
from experiments.report.kit.scales import Axis, around_zero, known, signed_percents
from experiments.report.kit.tables import Table


def past(record: Validity) -> Content:
    """A cross for each past experiment; None where none was given."""
    if not record.past:
        return None
    lead = (
        "What each experiment found, over what the simulator says of the same change. Right and "
        "above, or left and below: the signs agree. On the line through the origin that goes up as "
        "it goes right, sizes agree, too."
    )
    across, up = (
        Axis(
            around_zero(known(end for row in record.past for end in getattr(row, of).numbers)),
            signed_percents,
            name=name,
        )
        for of, name in (("simulated", "simulated"), ("found", "found"))
    )
    spots = [_spot(number, row) for number, row in enumerate(record.past, 1)]
    table = Table.of(
        "Past experiments",
        record.past,
        ("Test", lambda row: row.test),
        ("Change", lambda row: row.change),
        ("Signs", lambda row: judged(row.agree, "agree", "differ")),
        (("Found", "Interval"), lambda row: change_words(row.found)),
        (("Simulated", "Interval"), lambda row: change_words(row.simulated)),
        names=3,
    )
    return lead, figure(
        plane(spots, across, up), table, "Crosses: effect found over effect simulated"
    )


def _spot(number: int, row: PastTest) -> Spot:
    told = f"{row.test}: found {with_range(row.found)}, simulated {with_range(row.simulated)}"
    return Spot(row.test, str(number), "a1" if row.agree else "a0", row.simulated, row.found, told)
