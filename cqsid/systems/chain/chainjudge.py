"""A judge that writes verdicts and a grade, and so can say why."""

import numpy as np

from cqsid.systems.chain.chains import VERDICTS
from cqsid.systems.chain.languagejudge import LanguageJudge
from recall.judge import PairVerdicts
from simulator.annotations.pairs import UNSAID
from simulator.catalogue.catalog import Ints
from simulator.protocols import Requests


class ChainJudge(LanguageJudge):
    """Writes whole chains; see `cqsid.systems.chain.languagejudge`."""

    def verdicts(self, requests: Requests, items_BN: Ints) -> PairVerdicts:
        """The verdicts of the chain that it writes; -1 on padding.

        `grade_BN` is the likeliest grade, as of `grades`. That of the chain may be another one,
        and the verdicts may give a third: see `written`.
        """
        codes_BNL, names = self.written(requests, items_BN), self.chains.names
        told = {name: codes_BNL[..., names.index(name)].astype(np.int8) for name in VERDICTS}
        likeliest_BN = self.grades(requests, items_BN).argmax(axis=-1)
        grade_BN = np.where(items_BN >= 0, likeliest_BN, UNSAID).astype(np.int8)
        return PairVerdicts(told["category"], told["brand"], told["values"], grade_BN)

    def written(self, requests: Requests, items_BN: Ints) -> Ints:
        """(B, N, L) the chain that it writes of each pair, in the order of `chains.names`.

        -1 on padding. Where nothing was annotated it writes the first of all chains.
        """
        held_BN = items_BN >= 0
        codes_BNL = np.full((*items_BN.shape, len(self.chains.names)), UNSAID, np.int32)
        codes_BNL[held_BN] = 0
        if self.weights is not None:
            pairs, at_P = self.asked(requests, items_BN, held_BN)
            codes_BNL[held_BN] = self.reader.chains(pairs)[at_P]
        return codes_BNL
