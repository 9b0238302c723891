"""Random models on which Theorem 1 is checked: where it must hold, and where it must fail.

Variables: content C, style S, observation X, representation F, proxy Y_R, task Y_t; environments
are interventions on S, hard and soft, with C -> S in half the models.

| setting                    | task                                      | premise | bound   |
|----------------------------|-------------------------------------------|---------|---------|
| `refinement`               | a coarsening of the proxy                 | holds   | holds   |
| `channel`                  | the proxy through a noisy channel         | holds   | holds   |
| `not_a_refinement`         | separates what the proxy merges           | fails   | fails   |
| `channel_depends_on_style` | the proxy through a channel that S moves  | fails   | fails   |
| `hidden_channel`           | of content beyond the proxy, which f      | fails   | fails   |
|                            | holds entangled with style                |         |         |
| `entangled_representation` | a coarsening or a channel of the proxy;   | holds   | holds   |
|                            | f = c xor s, which is not invariant       |         |         |

The premise is that p^do(s)(Y_t | Y_R, f) is the same for all s. In `not_a_refinement` and in
`hidden_channel` the weaker p^do(s)(Y_t | Y_R) is the same for all s, and that does not help. Where
the bound fails it does not fail in every model: counterexamples are searched for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import xor
from typing import Any, get_args

import numpy as np

from causal_ssl.errors import one_of
from causal_ssl.partitions import Partition
from causal_ssl.randomness import derived_seed
from causal_ssl.scm.finite import FiniteSCM, Table
from causal_ssl.scm.finite_invariance import Environment, hard_environments
from causal_ssl.scm.random_finite import (
    EnvironmentKind,
    Generator,
    Kind,
    Mixing,
    lookup_table,
    partition_table,
    random_coarsening,
    random_environments,
    random_mixing,
    random_partition,
    random_representation,
    random_style_table,
    random_table,
    random_unrefined,
    random_world,
    read_off,
)

REPRESENTATION, PROXY, TASK = "F", "Y_R", "Y_t"


@dataclass(frozen=True, eq=False)
class Case:
    """A model with F, Y_R and Y_t among its variables, and the environments to compare.

    Attributes:
        setting, seed: what it was drawn as; seed -1: built on purpose.
        scm: the model.
        environments: name -> intervention.
    """

    setting: str
    seed: int
    scm: FiniteSCM
    environments: Mapping[str, Environment]


def draw(setting: str, seed: int, *, exact: bool = False) -> Case:
    """The model that a seed stands for in a setting.

    Args:
        setting: one of `SETTINGS`.
        seed: of the model.
        exact: in fractions; the same model.

    Raises:
        InputError: an unknown setting.

    Examples:
        >>> case = draw("refinement", 0)
        >>> sorted(case.scm.variables)
        ['C', 'F', 'S', 'X', 'Y_R', 'Y_t']
    """
    one_of("setting", setting, SETTINGS)
    rng = np.random.default_rng(derived_seed(seed, "theorem 1", setting))
    scm = SETTINGS[setting](rng, exact)
    kind = _pick(rng, *get_args(EnvironmentKind))
    return Case(setting, seed, scm, random_environments(rng, scm, kind=kind, exact=exact))


def hidden_channel_bits() -> Case:
    """The smallest hidden channel: bits C1, C2, Y_R = C1, Y_t = C2, f = (C1, C2 xor S).

    Given the proxy the task is a fair coin under every intervention, and the proxy's gap is 0; yet
    given f and s it is known, and swapped by the other s: total variation 1.
    """
    half = [0.5, 0.5]
    scm = FiniteSCM(
        {
            "C1": half,
            "C2": half,
            "S": half,
            "X": lambda C1, C2, S: 4 * C1 + 2 * C2 + S,
            "F": lambda X: 2 * (X // 4) + (X // 2 % 2 ^ X % 2),
            "Y_R": lambda C1: C1,
            "Y_t": lambda C2: C2,
        }
    )
    return Case("hidden_channel", -1, scm, hard_environments(scm, "S"))


def _refinement(rng: Generator, exact: bool) -> FiniteSCM:
    scm = _world_and_representation(rng, exact)
    # A proxy may say more than content does, down to single observations.
    parent = _pick(rng, "C", "C", "X")
    n = scm.domains[parent]
    proxy = random_partition(rng, n, int(rng.integers(min(3, n), n + 1)))
    return scm.extend(Y_R=partition_table(proxy, parent), Y_t=_coarse_table(rng, proxy))


def _channel(rng: Generator, exact: bool) -> FiniteSCM:
    scm = _with_proxy(rng, exact)
    return scm.extend(Y_t=_channel_table(rng, scm, [PROXY], exact))


def _channel_depends_on_style(rng: Generator, exact: bool) -> FiniteSCM:
    scm = _with_proxy(rng, exact)
    possible = scm.joint(PROXY) > 0
    while True:
        table = _channel_table(rng, scm, [PROXY, "S"], exact)
        channels = table.probabilities[possible]
        # Of 10,000 tables one came out the same for all styles.
        if (channels != channels[:, :1]).any():
            return scm.extend(Y_t=table)


def _not_a_refinement(rng: Generator, exact: bool) -> FiniteSCM:
    scm = _world_and_representation(rng, exact)
    n = scm.domains["C"]
    proxy = random_partition(rng, n, int(rng.integers(2, n)))
    task = random_unrefined(rng, proxy)
    return scm.extend(Y_R=partition_table(proxy, "C"), Y_t=partition_table(task, "C"))


def _hidden_channel(rng: Generator, exact: bool) -> FiniteSCM:
    """Content in two parts, C and H: the proxy sees C, the task H too, f mixes H with style."""
    n_c, n_h, n_s, n_codes = rng.integers(2, 4, size=4).tolist()
    scm = FiniteSCM(
        {
            "C": random_table(rng, [], (n_c,), exact=exact),
            "H": random_table(rng, ["C"], (n_c, n_h), exact=exact),
            "S": random_style_table(rng, n_c, n_s, exact=exact),
            "X": random_mixing(rng, {"C": n_c, "H": n_h, "S": n_s}),
        }
    )
    code = rng.integers(n_codes, size=(n_h, n_s))
    proxy = random_partition(rng, n_c, int(rng.integers(2, n_c + 1)))
    scm = scm.extend(
        F=read_off(scm, lambda c, h, s: c * n_codes + code[h, s]),
        Y_R=partition_table(proxy, "C"),
    )
    return scm.extend(Y_t=_channel_table(rng, scm, [PROXY, "H"], exact))


def _entangled_representation(rng: Generator, exact: bool) -> FiniteSCM:
    """f = c xor s, over 2 or 4 values, all of them possible."""
    n = _pick(rng, 2, 4)
    scm = FiniteSCM(
        {
            "C": random_table(rng, [], (n,), exact=exact),
            "S": random_style_table(rng, n, n, exact=exact),
            "X": random_mixing(rng, {"C": n, "S": n}),
        }
    )
    proxy = random_partition(rng, n, int(rng.integers(2, n + 1)))
    scm = scm.extend(F=read_off(scm, xor), Y_R=partition_table(proxy, "C"))
    coarse = _coarse_table(rng, proxy)
    return scm.extend(Y_t=_pick(rng, coarse, _channel_table(rng, scm, [PROXY], exact)))


SETTINGS: Mapping[str, Callable[[Generator, bool], FiniteSCM]] = {
    "refinement": _refinement,
    "channel": _channel,
    "not_a_refinement": _not_a_refinement,
    "channel_depends_on_style": _channel_depends_on_style,
    "hidden_channel": _hidden_channel,
    "entangled_representation": _entangled_representation,
}

MUST_HOLD = ("refinement", "channel", "entangled_representation")
"""Settings in which the premise holds, so that no model may violate the bound."""


def _world_and_representation(rng: Generator, exact: bool) -> FiniteSCM:
    mixing = _pick(rng, *get_args(Mixing))
    scm = random_world(rng, mixing=mixing, exact=exact)
    kinds = get_args(Kind) if mixing == "injective" else ("deterministic", "stochastic")
    kind = _pick(rng, *kinds)
    return scm.extend(F=random_representation(rng, scm, kind=kind, exact=exact))


def _with_proxy(rng: Generator, exact: bool) -> FiniteSCM:
    scm = _world_and_representation(rng, exact)
    n = scm.domains["C"]
    proxy = random_partition(rng, n, int(rng.integers(2, n + 1)))
    return scm.extend(Y_R=partition_table(proxy, "C"))


def _coarse_table(rng: Generator, proxy: Partition) -> Table:
    """The task of a random coarsening, as a function of the proxy."""
    task = random_coarsening(rng, proxy)
    return lookup_table(proxy.map_to(task), (PROXY,), task.n_classes)


def _channel_table(rng: Generator, scm: FiniteSCM, parents: list[str], exact: bool) -> Table:
    shape = [*(scm.domains[parent] for parent in parents), int(rng.integers(2, 5))]
    return random_table(rng, parents, shape, p_zero=0.2, exact=exact)


def _pick(rng: Generator, *choices: Any) -> Any:
    return choices[rng.integers(len(choices))]
