import numpy as np
from hypothesis import given, settings, strategies as st

from simulator.shoppers.memory import CLICKS_KEPT, OWNED_KEPT, Memory

page = st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=4, max_size=4)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 2), page), min_size=1, max_size=12))
def test_recent_clicks_equal_a_plain_list_per_shopper(visits):
    plain = {shopper: [] for shopper in range(3)}
    for shopper, slots in visits:
        plain[shopper] = [item for item, clicked in reversed(slots) if clicked] + plain[shopper]
    memory = Memory(3)
    items_BK = np.array([[item for item, _ in slots] for _, slots in visits], np.int32)
    clicked_BK = np.array([[clicked for _, clicked in slots] for _, slots in visits])
    memory.click(np.array([shopper for shopper, _ in visits]), items_BK, clicked_BK)
    for shopper, clicked in plain.items():
        wanted = (clicked + [-1] * CLICKS_KEPT)[:CLICKS_KEPT]
        assert memory.clicked_SH[shopper].tolist() == wanted


def test_purchases_are_remembered_newest_first():
    memory = Memory(2)
    for item in range(OWNED_KEPT + 2):
        memory.buy(1, item)
    assert memory.owned_SM[1].tolist() == [5, 4, 3, 2]
    assert memory.owned_SM[0].tolist() == [-1] * OWNED_KEPT


def test_a_restored_memory_goes_on_alone():
    memory, later = Memory(1), Memory(1)
    memory.buy(0, 3)
    later.restore(memory.state())
    later.buy(0, 4)
    assert memory.owned_SM[0, 0] == 3
    assert later.owned_SM[0, :2].tolist() == [4, 3]
