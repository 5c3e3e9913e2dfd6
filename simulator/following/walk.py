"""What a world's sessions bring in expectation: every need is followed as if it stayed open.

Realised purchases are rare, so their sums are mostly luck. Here the luck of waiting, looking,
clicking, tasting and buying is integrated out. What is left of a shopper's luck is what all arms
share: when they come, what they want and in which words, how patient they are, and whether they
would turn the page, reword or leave. So two worlds of one luck differ by what their pages are
worth and by little else.

Page k of a session is reached with weight W_k, W_1 = 1. With `stay_k` the chance that the page
comes in time and `q_k` that the need is open afterwards (see `simulator.behaviour.expectation`),

    W_(k+1) = W_k stay_k q_k           on the same need, and
    W_k stay_k (1 - q_k)               where a next need begins,

and a session brings `sum_k W_k m_k`, where m_k is what page k brings. A taste shock lasts through a
need, so what is left open tells of the tastes that later pages meet. The products above ignore
that; what it changes is a covariance,

    E[W_k m_k] = E[W_k] E[m_k] + Cov(W_k, m_k),

and it is estimated over M keyed sets of tastes, given which both are known exactly. The estimate is
unbiased, and its noise is that of the covariance alone.

Later pages are asked for with the clicks of earlier ones. These are drawn from the reactions that
leave the need open, by the world's own luck first.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulator.behaviour.behavior import Flags, Reactions
from simulator.behaviour.expectation import Outlook
from simulator.catalogue.catalog import Ints
from simulator.following.many import Many
from simulator.following.pace import Pace, Paced
from simulator.following.page import FollowedPage
from simulator.following.paths import Carried, Floats, Paths, glances
from simulator.following.seen import SeenPages
from simulator.following.shortfall import DELAYS, Intended, decided, in_time, intended, missed
from simulator.following.split import UNSORTED, Sorting, SplitTally
from simulator.following.tally import EXPECTED, Brought, Tally
from simulator.living.desk import blocks, checked
from simulator.living.scene import Scene
from simulator.living.sessions import IDLE_SECONDS, Sessions, Steps, step
from simulator.living.settings import SessionSpec
from simulator.living.shelves.stock import StockTrace
from simulator.living.world import World
from simulator.log.codes import NextAction
from simulator.protocols import DAY, Index, Pages, Requests, SearchService
from simulator.shoppers.memory import remembered
from simulator.shoppers.needs import Needs

TASTES = 8
"""Sets of tastes over which the covariance of a need's pages is estimated."""

NEXT_NEEDS = 0.25
"""Share of the possible next needs that are followed, each with as much more weight.

They hold about a hundredth of what a world brings, so this costs no precision.
"""

PACED = "paced_"
"""Of a walk that is paced by another one: what its pages would bring, came they as late."""


class ExpectedWalk:
    """Follows the sessions of one world under one service and adds up what is expected.

    Args:
        scene: of the world.
        spec: what shoppers do between pages.
        service: whose pages are made; those that the world itself has served are not made twice.
        own: the service is the world's own; another one is told of each refresh, and makes all.
        share: of the shoppers that are followed, drawn by luck that all walks share.
        tastes: sets of tastes; 0: as if each page had its own.
        next_needs: share of the possible next needs that are followed.
        paced_by: a walk of the same world that comes first; what these pages would bring, came they
            as late as its own, is counted too.
        sorting: of the requests; what their parts bring is added up, too.

    Attributes:
        end: of the period, simulated seconds; the world says it when it begins.
        pace: how late the pages of this walk come.
        many: services that are followed beside; see `simulator.following.many`.
        split: the sums by part of the requests.
    """

    def __init__(
        self,
        scene: Scene,
        spec: SessionSpec,
        service: SearchService,
        *,
        own: bool = True,
        share: float = 1.0,
        tastes: int = TASTES,
        next_needs: float = NEXT_NEEDS,
        paced_by: "ExpectedWalk | None" = None,
        sorting: Sorting = UNSORTED,
    ) -> None:
        self.scene = scene
        self.spec = spec
        self.end = math.inf
        self.service = service
        self.own = own
        self.tastes = tastes
        self.next_needs = next_needs
        self.pace = Pace()
        self.many = 0
        self._paced_by = paced_by.pace if paced_by is not None else None
        self._category_Q = scene.sampler.intents.category_Q
        sizes = len(scene.sampler.shoppers), int(self._category_Q.max(initial=-1)) + 1
        luck_S = scene.sampler.draws.uniform("path.followed", np.arange(sizes[0]))
        self._followed_S = luck_S < share
        self._tallies = [Tally(*sizes) for _ in range(1 + (paced_by is not None))]
        self._sorting = sorting
        self.split = SplitTally(sorting.parts, sizes[1])
        self._intended: list[Intended] = []
        self._seen = SeenPages()
        self._waiting: Paths | None = None

    def __call__(
        self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions
    ) -> None:
        """Remember what the world serves; see `simulator.living.desk.Witness`."""
        self._seen.add(requests, pages)

    def refresh(self, index: Index) -> None:
        """Hand a snapshot to a service that is not the world's."""
        if not self.own:
            self.service.refresh(index)

    def advance(self, opened: Sessions, until: float) -> None:
        """Follow all paths up to a moment, after the world has planned its sessions up to it.

        Args:
            opened: the sessions that have come in since the last call.
            until: simulated seconds.
        """
        self.pace.begin()
        due = self._begin(opened)
        if self._waiting is not None:
            due = self._waiting.joined(due)
        waiting = due.rows(due.sessions.due_N >= until)
        due = due.rows(due.sessions.due_N < until)
        while len(due):
            after = [more for rows in blocks(len(due)) for more in self._block(due.rows(rows))]
            going_on = after[0]
            for more in after[1:]:
                going_on = going_on.joined(more)
            waiting = waiting.joined(going_on.rows(going_on.sessions.due_N >= until))
            due = going_on.rows(going_on.sessions.due_N < until)
        self._waiting = waiting
        self._seen = SeenPages()

    def settle(self, trace: StockTrace, until: float) -> None:
        """Take off what is lost of the purchases up to a moment, once the world has lived it.

        Args:
            trace: how stock went since the last call.
            until: simulated seconds.
        """
        if not self._intended:
            return
        intended_ = Intended.joined(self._intended)
        due = intended_.rows(intended_.at_R < until)
        self._intended = [intended_.rows(intended_.at_R >= until)]
        found = missed(due, trace, self.scene.market, self.scene.behavior)
        self._tallies[0].miss(due.shopper_R, due.visit_R, due.category_R, found)
        self.split.miss(due.shopper_R, due.category_R, due.part_RC, found)

    def totals(self) -> dict[str, NDArray[np.float64] | NDArray[np.int64]]:
        """A row for each shopper with a request, see `Tally.totals`.

        A walk that is paced also has `PACED` columns, with nothing taken off.
        """
        totals, *others = (tally.totals() for tally in self._tallies)
        return totals | {PACED + name: paced[name] for paced in others for name in EXPECTED}

    def by_category(self) -> dict[str, NDArray[np.float64]]:
        """The same totals of each wanted category, see `Tally.by_category`."""
        return self._tallies[0].by_category()

    def _begin(self, opened: Sessions) -> Paths:
        opened = opened.rows(self._followed_S[opened.shopper_N])
        first = opened.shopper_N, self._category_Q[opened.intent_N]
        number_N, *_ = [tally.begin(*first) for tally in self._tallies]
        history_NH = self._seen.history(opened, self.scene.memory)
        return Paths.begin(opened, number_N, history_NH, self.tastes, self.many)

    def _block(self, paths: Paths) -> list[Paths]:
        """Serve one block of paths, add what it brings, and return those that go on."""
        scene, sessions = self.scene, paths.sessions
        untraced_B = np.zeros(len(paths), np.bool_)
        requests = scene.requests(sessions, paths.history_NH, untraced_B)
        needs, pages = scene.needs(sessions), self._pages(requests)
        self.pace.add(requests, pages.latency_B)
        outlook = Outlook(scene.behavior, needs, pages, scene.market.price_I)
        prospect = outlook.prospect()
        late = requests, needs, pages.latency_B, prospect.stays_B
        paced = Paced.of(self._paced_by, scene.behavior, *late)
        open_ = self._steps(sessions, requests.text_B, pages, met=False)
        goes_on_B = open_.action_N != NextAction.LEAVE
        renews_B = self._renewing(sessions)
        carried_B = (paths.sets_NM != paths.plain_N[:, None]).any(axis=1)
        rows = np.flatnonzero(goes_on_B | renews_B | carried_B)
        carried = Carried.of(paths, rows, outlook.known(rows, self.tastes), prospect)
        decided_B = decided(requests.at_B, pages.latency_B, prospect)
        in_time_B = in_time(scene.behavior.spec, self.end - decided_B)
        category_B = self._category_Q[needs.intent_B]
        brought = Brought.of(paths, requests, pages, prospect, carried, in_time_B, category_B)
        self._tallies[0].add(brought, pages.latency_B)
        part_BC = self._sorting(requests, needs)
        self.split.add(brought, part_BC)
        for tally in self._tallies[1:]:
            tally.add(brought, paced.latency_B, paths.pace_N, paths.pace_N * paced.ratio_B)
        many = self._beside(paths, requests, needs, goes_on_B | renews_B)
        told = requests.text_B, part_BC, pages, prospect
        page = FollowedPage(paths, needs, outlook.worth, *told, carried, paced, in_time_B, many)
        self._intend(page, outlook, decided_B)
        after = [self._opened(page, np.flatnonzero(goes_on_B), open_.after)]
        if renews_B.any():
            after.append(self._renewed(page, np.flatnonzero(renews_B)))
        return after

    def _pages(self, requests: Requests) -> Pages:
        """The pages of B requests; those that the world itself has served are not made again."""
        service = self.service
        if not self.own:
            return checked(service.serve(requests), requests)
        at_B = self._seen.find(requests)
        new = requests.rows(np.flatnonzero(at_B < 0))
        served = checked(service.serve(new), new) if len(new) else None
        return self._seen.pages(at_B, served)

    def _beside(
        self, paths: Paths, requests: Requests, needs: Needs, goes_on_B: Flags
    ) -> Many | None:
        """What is followed beside the pages of this walk: nothing, but in walks that say so.

        Args:
            paths: with the weights of what is beside, `Paths.many_NXW`.
            requests, needs: of the block.
            goes_on_B: whether a path goes on from here.
        """
        return None

    def _steps(self, sessions: Sessions, text_B: Ints, pages: Pages, *, met: bool) -> Steps:
        """How sessions go on where their needs are open, or met, and nobody breaks off."""
        rows, nothing_BK = len(sessions), np.zeros(pages.items_BK.shape, np.bool_)
        reactions = Reactions(
            left_B=np.zeros(rows, np.bool_),
            examined_BK=nothing_BK,
            clicked_BK=nothing_BK,
            carted_BK=nothing_BK,
            choices_BC=np.full((rows, 1), -1, np.int32),
            slots_BC=np.zeros((rows, 1), np.int16),
            worth_B=np.zeros(rows, np.int16),
            joins_B=np.zeros(rows, np.int16),
            quantity_B=np.zeros(rows, np.int16),
            delay_B=np.zeros(rows),
            satisfied_B=np.full(rows, met),
            dwell_B=np.zeros(rows),
        )
        sampler, utility = self.scene.sampler, self.scene.behavior.utility
        slots_B = sampler.shoppers.slots_S[sessions.shopper_N]
        return step(self.spec, sessions, text_B, reactions, pages, slots_B, sampler, utility)

    def _renewing(self, sessions: Sessions) -> Flags:
        """(B,) whether the next need is followed from here."""
        luck_B = self.scene.sampler.draws.uniform(
            "path.next_need", sessions.shopper_N, sessions.ordinal_N, sessions.request_N
        )
        return (sessions.need_N + 1 < sessions.needs_N) & (luck_B < self.next_needs)

    def _opened(self, page: FollowedPage, rows: NDArray[np.intp], after: Sessions) -> Paths:
        """The paths of these rows of a page that leaves the need open."""
        before, prospect, carried = page.paths.rows(rows), page.prospect, page.carried
        moved, goes_B = self._moved(page, rows, after.rows(rows), met=False)
        open_B = prospect.open_B[rows]
        return replace(
            moved,
            weight_N=goes_B * (before.weight_N * open_B + carried.open_B[rows]),
            plain_N=goes_B * before.plain_N * open_B,
            sets_NM=goes_B[:, None] * before.sets_NM * carried.open_BM[rows],
            clickless_N=goes_B * before.clickless_N * prospect.clickless_B[rows],
        )

    def _renewed(self, page: FollowedPage, rows: NDArray[np.intp]) -> Paths:
        """The paths of these rows of a page that meets the need: the next one begins."""
        bare = Pages.bare(page.pages.items_BK[rows], page.pages.latency_B[rows])
        sessions, text_B = page.paths.sessions.rows(rows), page.text_B[rows]
        steps = self._steps(sessions, text_B, bare, met=True)
        renews = steps.action_N == NextAction.NEXT_NEED
        rows = rows[renews]
        before, prospect, carried = page.paths.rows(rows), page.prospect, page.carried
        moved, goes_B = self._moved(page, rows, steps.after.rows(renews), met=True)
        met_B = before.weight_N * (1 - prospect.open_B[rows]) - carried.open_B[rows]
        bought_B = before.weight_N * prospect.bought_B[rows] + carried.bought_B[rows]
        bought_B = bought_B * page.in_time_B[rows]
        weight_N = goes_B * met_B / self.next_needs
        share_N = np.divide(met_B - bought_B, met_B, out=np.zeros(len(rows)), where=met_B > 0)
        return replace(
            moved,
            weight_N=weight_N,
            plain_N=weight_N,
            sets_NM=np.repeat(weight_N[:, None], self.tastes, axis=1),
            since_N=moved.sessions.due_N,
            unbought_N=before.unbought_N * share_N,
            clickless_N=np.zeros(len(rows)),
        )

    def _moved(
        self, page: FollowedPage, rows: NDArray[np.intp], after: Sessions, *, met: bool
    ) -> tuple[Paths, Floats]:
        """These rows at their next request, and the chance that they do not break off."""
        before, behavior = page.paths.rows(rows), self.scene.behavior
        bare = Pages.bare(page.pages.items_BK[rows], page.pages.latency_B[rows])
        worth = page.worth[0][rows], page.worth[1][rows]
        glance = glances(behavior, page.needs.rows(rows), bare, worth, met=met)
        idle_B = behavior.dwells_beyond(IDLE_SECONDS, glance.examined_BK, glance.clicked_BK)
        waited_B = np.minimum(glance.dwell_B, IDLE_SECONDS)
        sessions = replace(after, due_N=before.sessions.due_N + bare.latency_B + waited_B)
        history_NH = remembered(before.history_NH, bare.items_BK, glance.clicked_BK)
        pace_N = before.pace_N * page.paced.ratio_B[rows]
        many_NXW = before.many_NXW
        if page.many is not None:
            follows_B = (1 - idle_B) / (self.next_needs if met else 1.0)
            many_NXW = page.many.rows(rows).after(many_NXW, follows_B, met=met)
        moved = replace(before, sessions=sessions, history_NH=history_NH, pace_N=pace_N)
        return replace(moved, many_NXW=many_NXW), page.prospect.stays_B[rows] * (1 - idle_B)

    def _intend(self, page: FollowedPage, outlook: Outlook, at_B: Floats) -> None:
        """Keep what is to be bought at once, and of some pages what may be days later.

        What is known of tastes from earlier pages makes all purchases of a page rarer alike here.
        """
        paths, prospect = page.paths, page.prospect
        spec, sessions = self.scene.behavior.spec, paths.sessions
        draws = self.scene.sampler.draws
        keys = sessions.shopper_N, sessions.ordinal_N, sessions.request_N
        bought_B, rarer_B = prospect.bought_B, np.zeros(len(paths))
        np.divide(page.carried.bought_B, bought_B, out=rarer_B, where=bought_B > 0)
        weight_B = (paths.weight_N + rarer_B) * prospect.stays_B
        parts = [(np.arange(len(paths)), 1 - spec.delayed, np.zeros(len(paths)))]
        if spec.delayed > 0:
            rows = np.flatnonzero(draws.uniform("path.delayed", *keys) < DELAYS)
            days_B = -np.log(draws.uniform("path.delay", *keys)) * spec.delay_days
            parts.append((rows, spec.delayed / DELAYS, days_B * DAY))
        category_B = self._category_Q[page.needs.intent_B]
        whose = paths, weight_B, at_B, category_B, page.part_BC
        everything = intended(outlook, prospect, *whose)
        for rows, share, later_B in parts:
            some = everything.rows(rows)
            some = replace(some, at_R=some.at_R + later_B[rows], weight_R=share * some.weight_R)
            self._intended.append(some)


def follow(
    world: World,
    service: SearchService,
    *,
    own: bool = True,
    share: float = 1.0,
    tastes: int = TASTES,
    paced_by: ExpectedWalk | None = None,
    sorting: Sorting = UNSORTED,
) -> ExpectedWalk:
    """Also follow what a world's sessions bring in expectation, without a change to the world.

    Args:
        world: that is about to be lived.
        service: whose pages are shown in this world's state.
        own: it makes the pages that the world's own service makes.
        share: of the shoppers that are followed.
        tastes, paced_by, sorting: see `ExpectedWalk`.
    """
    asked = (world.scene, world.spec.sessions, service)
    walk = ExpectedWalk(
        *asked, own=own, share=share, tastes=tastes, paced_by=paced_by, sorting=sorting
    )
    world.follow(walk)
    return walk
