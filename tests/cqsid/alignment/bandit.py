"""Expected gradients on bandits small enough to enumerate.

Every group that the policy can draw is put through the library's own advantages and loss, once,
and counts by its probability: what comes out is the estimator's expectation, without sampling
error. Samples are on policy. `found` is the expected step of gradient ascent on the loss.

Axis suffixes: N all ids, B all groups, G ids of a group, L levels, T parameters.
"""

import math

import torch

from cqsid.alignment.objective.losses import Tokens
from cqsid.alignment.objective.objective import Scored, advantages, loss
from cqsid.alignment.settings import AlgorithmSpec

RATIOS = ["token", "sequence", "sequence_mean"]
REWARDS = torch.tensor([0.0, 0.3, 1.0, 0.1, 0.6, 0.2], dtype=torch.float64)
BINARY = torch.tensor([0.0, 1.0, 0.0, 0.0, 1.0, 0.0], dtype=torch.float64)


class Bandit:
    """A policy over all ids of two codes: softmaxes over first codes, and over second ones."""

    def __init__(self, sizes=(2, 3), seed=0, theta_T=None):
        self.sizes = sizes
        self.codes_NL = torch.cartesian_prod(*(torch.arange(size) for size in sizes))
        noise = torch.Generator().manual_seed(seed)
        if theta_T is None:
            number = sizes[0] + sizes[0] * sizes[1]
            theta_T = torch.randn(number, dtype=torch.float64, generator=noise)
        self.theta_T = theta_T.requires_grad_()

    @classmethod
    def of(cls, chance_N, sizes=(2, 3)):
        """With these probabilities."""
        log_FS = chance_N.log().view(sizes)
        return cls(sizes, theta_T=torch.cat([log_FS.logsumexp(1), log_FS.flatten()]))

    @property
    def tables(self):
        """Log-probabilities of first codes (F,), and of second ones after each (F, S)."""
        first, second = self.theta_T.split([self.sizes[0], math.prod(self.sizes)])
        return first.log_softmax(0), second.view(self.sizes).log_softmax(1)

    @property
    def logp_NL(self):
        log_F, log_FS = self.tables
        return torch.stack([log_F[:, None].expand(self.sizes), log_FS], -1).flatten(0, 1)

    @property
    def chance_N(self):
        return self.logp_NL.sum(1).exp()

    def exact(self, value):
        """The gradient of a number."""
        return torch.autograd.grad(value, self.theta_T)[0]

    def gain(self, rewards_N):
        """The exact gradient of the expected reward."""
        return self.exact(self.chance_N @ rewards_N)

    def score(self, n):
        """The gradient of the log-probability of an id."""
        return self.exact(self.logp_NL[n].sum())

    def groups(self, size):
        """All groups of ids (B, G), and their probabilities."""
        id_BG = torch.cartesian_prod(*[torch.arange(len(self.codes_NL))] * size).view(-1, size)
        return id_BG, self.chance_N.detach()[id_BG].prod(1)

    def step(self, spec, id_BG, rewards_BG, **tokens):
        """(B, G, L) minus the loss's gradient by log-probabilities.

        `tokens`: what is not as generated, and `advantages_BGL` or `right_BGL` if set.
        """
        codes_BGL, one = self.codes_NL[id_BG], torch.ones(1, dtype=torch.float64)
        logp_BGL = self.logp_NL.detach()[id_BG].requires_grad_()
        there_BG = torch.ones_like(rewards_BG, dtype=torch.bool)
        right_BGL = tokens.pop("right_BGL", torch.ones_like(codes_BGL).bool())
        own_BGL = tokens.pop("advantages_BGL", None)
        if own_BGL is None:
            scored = Scored(rewards_BG, rewards_BG[None], one, None)
            own_BGL = advantages(spec, scored, codes_BGL, right_BGL, there_BG)
        as_generated = {
            "logp_BGL": logp_BGL,
            "old_BGL": logp_BGL.detach(),
            "reference_BGL": logp_BGL.detach(),
            "codes_BGL": codes_BGL,
            "expert_BG": ~there_BG,
            "valid_BG": there_BG,
            "free_BGL": there_BG[..., None].expand(logp_BGL.shape),
            "propensity_BG": torch.ones_like(rewards_BG),
            "rewards_BG": rewards_BG,
        }
        found = loss(spec, Tokens(**as_generated | tokens), own_BGL)
        return -torch.autograd.grad(found.total, logp_BGL)[0]

    def pulled(self, id_BG, step_BGL):
        """Of the parameters, from that of log-probabilities."""
        return torch.autograd.grad(self.logp_NL[id_BG], self.theta_T, step_BGL)[0]

    def expected(self, spec, id_BG, chance_B, rewards_BG, **tokens):
        """Expected step of one group: of all of them by their probabilities."""
        assert not spec.drop_tied  # else groups of a batch are not independent
        mean_BGL = self.step(spec, id_BG, rewards_BG, **tokens)
        return self.pulled(id_BG, len(id_BG) * chance_B[:, None, None] * mean_BGL)

    def on_policy(self, spec, rewards_N, size, **tokens):
        """Expected step of groups that the policy generates."""
        id_BG, chance_B = self.groups(size)
        return self.expected(spec, id_BG, chance_B, rewards_N[id_BG], **tokens)

    def injected(self, spec, rewards_N, size, experts, earned=None):
        """Expected step with the same experts in each group; they may earn what others do not."""
        id_BG, chance_B = self.groups(size)
        expert_BK = torch.tensor(experts).expand(len(id_BG), -1)
        rewards_BK = rewards_N[expert_BK] if earned is None else torch.full(expert_BK.shape, earned)
        rewards_BG = torch.cat([rewards_N[id_BG], rewards_BK.double()], 1)
        id_BG = torch.cat([id_BG, expert_BK], 1)
        expert_BG = (torch.arange(id_BG.shape[1]) >= size).expand(id_BG.shape)
        return self.expected(spec, id_BG, chance_B, rewards_BG, expert_BG=expert_BG)


def spec_of(**settings):
    return AlgorithmSpec(**{"kl_weight": 0.0, "epsilon": 0.0, **settings})


def centred(**settings):
    return spec_of(**{"advantage": "centred", "ratio": "sequence", **settings})


def same(found, expected):
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)


def cosine(found, exact):
    return torch.cosine_similarity(found, exact, dim=0).item()


def share_of(ratio):
    """A token's ratio, or a mean, is averaged over the two codes; an id's is the id's."""
    return 1.0 if ratio == "sequence" else 0.5
