from experiments.inference.power.pilot import PLAIN, Pilot


def test_traffic_takes_units_and_changes_none():
    pilot = Pilot.steady(100.0, 2.0, 3.0, {PLAIN: 0.0}, 5)
    part = pilot.with_traffic(0.1)
    assert part.units_D.tolist() == [10.0, 20.0, 30.0, 40.0, 50.0]
    assert part.variance_D.tolist() == pilot.variance_D.tolist()
    assert pilot.found == 0
