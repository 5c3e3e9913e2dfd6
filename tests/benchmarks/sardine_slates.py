"""SARDINE (naver/sardine) under random slates of 10 of 1,000 items; prints its rate as JSON."""

import json
from time import process_time

import gymnasium
import sardine  # noqa: F401  registers its environments

ENVIRONMENT = "sardine/SlateTopK-Bored-v0"
N_SLATES, ROUNDS = 20_000, 3


def main() -> None:
    env = gymnasium.make(ENVIRONMENT)
    env.action_space.seed(0)
    slates = [env.action_space.sample() for _ in range(1_000)]
    best = float("inf")
    for _ in range(ROUNDS):
        env.reset(seed=0)
        start = process_time()
        for number in range(N_SLATES):
            *_, terminated, truncated, _ = env.step(slates[number % len(slates)])
            if terminated or truncated:
                env.reset()
        best = min(best, process_time() - start)
    print(json.dumps({"slates_per_second": N_SLATES / best}))


if __name__ == "__main__":
    main()
