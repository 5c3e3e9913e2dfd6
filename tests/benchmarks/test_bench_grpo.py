"""A step of GRPO on one core, beside that of TRL's trainer.

A step draws 16 ids for each of 64 prompts, scores them by policy and reference, and takes one step
of the optimiser with the same objective; rewards are a cheap function of the ids. The model is the
one of the beam search benchmark: 1.4 million parameters, 40,000 ids of three codes. TRL draws any
three tokens, as it knows no trie; ours draws ids that exist, which is more work.
"""

import warnings
from contextlib import contextmanager
from functools import cache
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
import pytest
import torch

from cqsid.alignment.policy import log_probabilities
from cqsid.alignment.sampling import sample
from cqsid.generator.checkpoints import quiet
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from recall.device import one_thread
from tests.benchmarks.table import Row
from tests.cqsid.models import random_model, random_prompts, random_trie

pytestmark = pytest.mark.benchmark(timer=process_time)

SIZES, N_IDS, N_PROMPTS, GROUP = (256, 256, 256), 40_000, 64, 16
PROMPTS = (12, 24)  # tokens of a query alone, and of one with a shopper
AIMS = {"full": 40, "level": 55}  # times TRL's rate
STEPS, TURNS = 4, 3  # of TRL, the first of them to warm up; of ours for each of these
BETA, CLIP, RATE, EPSILON = 0.04, 0.2, 1e-5, 1e-4
STEPS_PER_SECOND = "steps/s of one core"
VOCABULARY, TRIE = Vocabulary(6_000, SIZES), random_trie(SIZES, N_IDS)


@pytest.fixture(autouse=True)
def alone():
    with one_thread():
        yield


def model(seed=0):
    sizes = {"hidden_size": 128, "intermediate_size": 512, "initializer_range": 0.05}
    return random_model(VOCABULARY, seed, **sizes)


def prompts(length):
    return random_prompts(VOCABULARY, N_PROMPTS, length, shortest=length)


def objective(logp_BGL, old_BGL, reference_BGL, advantage_BG):
    """The loss of GRPO: clipped surrogate and the k3 estimate of the divergence."""
    ratio_BGL, advantage_BG1 = (logp_BGL - old_BGL).exp(), advantage_BG[..., None]
    clipped_BGL = ratio_BGL.clamp(1 - CLIP, 1 + CLIP)
    gain_BGL = torch.minimum(ratio_BGL * advantage_BG1, clipped_BGL * advantage_BG1)
    apart_BGL = reference_BGL - logp_BGL
    return (BETA * (apart_BGL.exp() - apart_BGL - 1) - gain_BGL).mean()


def advantages(codes_BGL):
    """Rewards (remainders of sums of tokens) standardised within each group, as TRL does it."""
    reward_BG = torch.from_numpy(VOCABULARY.tokens(codes_BGL).sum(axis=2) % 7).float()
    mean_B1, std_B1 = reward_BG.mean(1, keepdim=True), reward_BG.std(1, keepdim=True)
    return (reward_BG - mean_B1) / (std_B1 + EPSILON)


class Ours:
    """The whole of a step, from our parts."""

    def __init__(self, softmax, length):
        self.model, self.softmax, self.prompts = model(), softmax, prompts(length)
        self.reference, self.rng = Weights.of(model()).detached(), np.random.default_rng(0)
        parameters = self.model.parameters()
        self.optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.0, fused=True)

    def scores(self, weights, codes_BGL):
        return log_probabilities(
            weights, VOCABULARY, self.prompts, codes_BGL, softmax=self.softmax
        ).logp_BGL

    def step(self):
        weights = Weights.of(self.model)
        found = sample(weights, VOCABULARY, TRIE, self.prompts, GROUP, rng=self.rng)
        logp_BGL = self.scores(weights, found.codes_BGL)
        with torch.no_grad():
            reference_BGL = self.scores(self.reference, found.codes_BGL)
        loss = objective(logp_BGL, logp_BGL.detach(), reference_BGL, advantages(found.codes_BGL))
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return found


def tokenizer():
    """Words are the numbers of tokens."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    words = {str(token): token for token in range(len(VOCABULARY))}
    pad = str(VOCABULARY.pad)
    made = Tokenizer(WordLevel(words, unk_token=pad))
    made.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token=pad, eos_token=pad, padding_side="left"
    )


@contextmanager
def trl(length, **settings):
    """TRL's trainer of the same model and prompts; what would only slow it down is switched off."""
    with warnings.catch_warnings(), quiet(), TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # what it warns of is no failure of ours
        from datasets import Dataset
        from trl import GRPOConfig, GRPOTrainer

        model().save_pretrained(folder)
        texts = [" ".join(map(str, row)) for row in prompts(length).tokens_BT.tolist()]
        config = GRPOConfig(
            output_dir=folder,
            loss_type="grpo",
            beta=BETA,
            epsilon=CLIP,
            use_bias_correction_kl=False,
            num_generations=GROUP,
            per_device_train_batch_size=N_PROMPTS * GROUP,
            max_completion_length=len(SIZES),
            max_steps=STEPS,
            learning_rate=RATE,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            model_init_kwargs={"dtype": "float32"},
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            log_level="error",
            disable_tqdm=True,
        )
        yield GRPOTrainer(
            model=folder,
            reward_funcs=lambda completion_ids, **_: [sum(ids) % 7.0 for ids in completion_ids],
            args=config,
            train_dataset=Dataset.from_dict({"prompt": texts}),
            processing_class=tokenizer(),
            **settings,
        )


@cache
def raced(length):
    """Best rates, ours and TRL's steps in turns."""
    from transformers import TrainerCallback

    ours = {softmax: Ours(softmax, length) for softmax in AIMS}
    best = dict.fromkeys([*AIMS, "trl"], np.inf)

    def timed(name, start):
        best[name] = min(best[name], process_time() - start)

    class Turns(TrainerCallback):
        def on_step_begin(self, *_, **__):
            self.start = process_time()

        def on_step_end(self, args, state, control, **_):
            if state.global_step > 1:
                timed("trl", self.start)
            for softmax in AIMS:
                for _ in range(TURNS):
                    start = process_time()
                    found = ours[softmax].step()
                    timed(softmax, start)
                assert (found.sid_BG >= 0).all()

    with trl(length, callbacks=[Turns()]) as trainer:
        trainer.train()
    return {name: 1 / seconds for name, seconds in best.items()}


@pytest.mark.parametrize("length", PROMPTS)
@pytest.mark.parametrize("softmax", AIMS)
def test_a_step_beside_trl(report, length, softmax):
    rates = raced(length)
    what = f"GRPO step, {N_PROMPTS} x {GROUP} ids, prompt {length}, softmax {softmax}"
    row = (what, rates[softmax], STEPS_PER_SECOND, "TRL GRPOTrainer, softmax full", rates["trl"])
    aim = AIMS[softmax]
    report(Row(*row, aim=f">= {aim}x", met=rates[softmax] >= aim * rates["trl"]))


def theirs(trainer, reference, batch):
    """TRL's loss of completions, one row for each; the gradient is left in its model."""
    (prompt_NT, completion_NL), old_NL, advantage_N = batch
    whole_NT = torch.cat([prompt_NT, completion_NL], dim=1)
    trainer.ref_model.load_state_dict(reference.state_dict())
    with torch.no_grad():
        reference_NL, _, _ = trainer._get_per_token_logps_and_entropies(
            trainer.ref_model, whole_NT, torch.ones_like(whole_NT), len(SIZES)
        )
    trainer.current_gradient_accumulation_steps = 1
    inputs = {
        "prompt_ids": prompt_NT,
        "prompt_mask": torch.ones_like(prompt_NT),
        "completion_ids": completion_NL,
        "completion_mask": torch.ones_like(completion_NL),
        "advantages": advantage_N,
        "old_per_token_logps": old_NL,
        "ref_per_token_logps": reference_NL,
    }
    loss = trainer._compute_loss(trainer.model, inputs)
    loss.backward()
    return loss


@pytest.mark.parametrize("length", PROMPTS)
def test_loss_and_gradient_are_those_of_trl_on_the_same_completions(length):
    """On ids that we drew, with another model as the reference and ratios that get clipped."""
    ours, other = Ours("full", length), model(seed=1)
    ours.reference = Weights.of(other).detached()
    rng, noise = np.random.default_rng(0), torch.Generator().manual_seed(0)
    codes_BGL = sample(ours.reference, VOCABULARY, TRIE, ours.prompts, GROUP, rng=rng).codes_BGL
    logp_BGL, advantage_BG = ours.scores(Weights.of(ours.model), codes_BGL), advantages(codes_BGL)
    old_BGL = logp_BGL.detach() + 0.3 * torch.randn(logp_BGL.shape, generator=noise)
    with torch.no_grad():
        reference_BGL = ours.scores(ours.reference, codes_BGL)
    loss = objective(logp_BGL, old_BGL, reference_BGL, advantage_BG)
    loss.backward()

    prompt_NT = np.repeat(ours.prompts.tokens_BT, GROUP, axis=0)
    completion_NL = VOCABULARY.tokens(codes_BGL).reshape(-1, len(SIZES))
    tokens = [torch.from_numpy(each).long() for each in (prompt_NT, completion_NL)]
    with trl(length) as trainer:
        expected = theirs(trainer, other, (tokens, old_BGL.flatten(0, 1), advantage_BG.flatten()))
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    gradients = {name: each.grad for name, each in trainer.model.named_parameters()}
    for name, parameter in ours.model.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=0, atol=1e-5)
