"""Random texts, the frequent ones more often."""

import numpy as np

from recall.rewriting.frequent import FrequentRewriter, _first_distinct
from recall.rewriting.settings import FrequentSpec
from recall.steps.tools import Tools
from simulator.protocols import Requests
from tests.recall.rewriting.shop import CATALOG, clicked


def test_texts_are_drawn_by_how_often_they_were_asked():
    texts = tuple(f"text {n:03d}" for n in range(200))
    clicks = [(n, []) for n in range(200)] + [(0, [])] * 200 + [(1, [])] * 100
    rewriter = FrequentRewriter(FrequentSpec(kept=1))
    rewriter.fit(CATALOG, clicked(texts, clicks), Tools(), rng=np.random.default_rng(0))
    found = rewriter.rewrite(Requests.of_texts(texts), 1).text_BR[:, 0]
    shares = [(found == n).mean() for n in (0, 1)]
    # 201 and 101 of 500 requests; 4 standard errors of 200 draws are 14 %
    assert abs(shares[0] - 0.40) < 0.14
    assert abs(shares[1] - 0.20) < 0.12
    assert (found >= 0).mean() > 0.8
    assert not (found == np.arange(200)).any()


def test_a_draw_that_repeats_or_is_the_text_itself_is_left_out():
    drawn = np.array([[1, 1, 2, 0], [1, 0, 0, 2], [2, 2, 2, 2]])
    assert _first_distinct(drawn, 3).tolist() == [[1, 2, -1], [0, 2, -1], [-1, -1, -1]]
