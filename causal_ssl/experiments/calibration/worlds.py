"""Laws of (f(X), Y, E) whose dependence is known: where tests and intervals are calibrated.

No law was changed or left out after its rates were seen. `STRESS` stands apart from the list on
which the level is promised: the test was seen to fail there.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from causal_ssl.datasets.content_style import ContentStyle
from causal_ssl.experiments.invariance import samples
from causal_ssl.experiments.invariance.config import InvarianceStudy
from causal_ssl.scm import FiniteSCM, Table, invariance_gap

Floats = NDArray[np.float64]
Generator = np.random.Generator
Triple = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""f (n, d), y (n,), environment (n,)."""

WORLDS = 8
"""Parameters of a continuous configuration are those of replication mod 8: eight worlds each."""


@dataclass(frozen=True)
class ContinuousNull:
    """Y independent of E given f, f an invertible nonlinear mixture of content and style.

    Content c ~ N(0, I); style s ~ N(mean_e (+ c B where `causal`), deviation_e^2); Y a noisy
    function of c with softmax probabilities; f two rotations with LeakyReLU between, which loses
    nothing, so that p(Y | f, e) = p(Y | c) in every environment.

    Attributes:
        name: dimensions of f, classes, environments; s: skewed.
        n_content, n_style, n_classes: dimensions.
        shares: (m,), p(E).
        shift: root mean square of the environments' means, in deviations of style.
        causal: content moves style.
        wavy: f + sin(2 f) / 2 in the place of f: harder to learn p(E | f) from.
    """

    name: str
    n_content: int
    n_style: int
    n_classes: int
    shares: tuple[float, ...]
    shift: float = 1.0
    causal: bool = False
    wavy: bool = False

    def draw(self, n: int, world: int, random: Generator) -> Triple:
        """n samples of one of the worlds."""
        f, y, environment, _ = self.draw_with_content(n, world, random)
        return f, y, environment

    def draw_with_content(
        self, n: int, world: int, random: Generator
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], Floats]:
        """The same samples, and the content (n, n_content) behind them, which f determines."""
        fixed = np.random.default_rng([7, world])
        d, m = self.n_content + self.n_style, len(self.shares)
        mean = fixed.normal(size=(m, self.n_style))
        mean -= mean.mean(axis=0)
        mean *= self.shift / np.sqrt(np.square(mean).sum(axis=1).mean())
        deviation = np.sqrt(2) ** fixed.uniform(-1, 1, size=(m, self.n_style))
        label = fixed.normal(size=(self.n_content, self.n_classes))
        cause = fixed.normal(size=(self.n_content, self.n_style)) * self.causal
        first, second = (np.linalg.qr(fixed.normal(size=(d, d)))[0] for _ in range(2))

        environment = random.choice(m, size=n, p=self.shares)
        content = random.normal(size=(n, self.n_content))
        style = mean[environment] + deviation[environment] * random.normal(size=(n, self.n_style))
        style += content @ cause / np.sqrt(self.n_content)
        logits = 2 * np.tanh(content) @ label / np.sqrt(self.n_content)
        y = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)
        hidden = np.hstack([content, style]) @ first
        f = np.where(hidden > 0, hidden, 0.2 * hidden) @ second
        f = f + 0.5 * np.sin(2 * f) if self.wavy else f
        return f, y, environment, content


@dataclass(frozen=True)
class SharpNull:
    """f = x of the invariance study and Y a sign of content: no noise hides what p(E | f) lacks."""

    name: str

    def draw(self, n: int, world: int, random: Generator) -> Triple:
        """n samples, environments equally frequent up to chance."""
        config = InvarianceStudy()
        ring, made = samples.ring_of(config, "soft"), self._world(config, world)
        key = f"calibration {random.integers(2**62)}"
        drawn = samples.draw(made, ring, -(-n // len(ring)), purpose=key)
        order = random.permutation(len(drawn.environment))[:n]
        y = samples.ladder(made).labels(drawn.sample.content, 2)
        x = drawn.sample.x.double()
        return x.numpy()[order], y.numpy()[order], drawn.environment.numpy()[order]

    @staticmethod
    def _world(config: InvarianceStudy, world: int) -> ContentStyle:
        return ContentStyle.draw(samples.world_config(config, "independent"), seed=world)


Null = ContinuousNull | SharpNull

CONTINUOUS: tuple[ContinuousNull, ...] = (
    ContinuousNull("d2-k2-e2", 1, 1, 2, (0.5, 0.5)),
    ContinuousNull("d2-k5-e2s", 1, 1, 5, (0.8, 0.2), causal=True),
    ContinuousNull("d2-k2-e2s-wavy", 1, 1, 2, (0.8, 0.2), shift=2.0, causal=True, wavy=True),
    ContinuousNull("d5-k2-e2s", 3, 2, 2, (0.8, 0.2)),
    ContinuousNull("d5-k5-e4s", 3, 2, 5, (0.7, 0.1, 0.1, 0.1), causal=True),
    ContinuousNull("d10-k5-e4", 5, 5, 5, (0.25,) * 4, shift=1.5),
)
STRESS = SharpNull("x6-sharp-e4")


@dataclass(frozen=True)
class FiniteLaw:
    """A finite model with a representation F, a task Y and soft environments on style S.

    Attributes:
        name: of the configuration.
        scm: with variables S, F, Y.
        laws: (m, k_s), the law of S in each environment; environments are equally frequent.
    """

    name: str
    scm: FiniteSCM
    laws: Floats = field(repr=False)

    @cached_property
    def environments(self) -> dict[str, dict[str, Floats]]:
        return {f"e{k}": {"S": law} for k, law in enumerate(self.laws)}

    @cached_property
    def information(self) -> float:
        """I(Y; E | F) in nats, exactly."""
        return invariance_gap(self.scm, self.environments, y="Y", f="F").information

    @cached_property
    def _joint(self) -> Floats:
        """(m, k_f, k_y), p_e(F, Y)."""
        each = [self.scm.do(**do).joint("F", "Y") for do in self.environments.values()]
        return np.stack([law.astype(np.float64) for law in each])

    def draw(self, n: int, random: Generator) -> Triple:
        """n samples."""
        m, _, k_y = self._joint.shape
        environment = random.integers(m, size=n)
        cells = self._joint.reshape(m, -1).cumsum(axis=1)[environment]
        f, y = np.divmod((random.random((n, 1)) > cells[:, :-1]).sum(axis=1), k_y)
        return f[:, None].astype(np.float64), y, environment


def xor(delta: float) -> FiniteLaw:
    """f = c xor s of fair bits, P(s = 1) = (1 +- delta) / 2: from invariant (0) to log 2 (1)."""
    fair = [0.5, 0.5]
    scm = FiniteSCM({"C": fair, "S": fair, "F": lambda C, S: C ^ S, "Y": lambda C: C})
    laws = np.array([[1 - delta, 1 + delta], [1 + delta, 1 - delta]]) / 2
    return FiniteLaw(f"xor-{delta:g}", scm, laws)


def separate(shift: float) -> FiniteLaw:
    """f = (c, s), two bits; Y a noisy function of f; P(s = 1) = (1 +- shift) / 2.

    Y depends on E, since both depend on s, but not given f: a test that ignores f rejects.
    """
    scm = FiniteSCM(
        {
            "C": [0.5, 0.5],
            "S": [0.5, 0.5],
            "F": lambda C, S: 2 * C + S,
            "Y": Table(("F",), np.array([[0.9, 0.1], [0.6, 0.4], [0.4, 0.6], [0.1, 0.9]])),
        }
    )
    laws = np.array([[1 - shift, 1 + shift], [1 + shift, 1 - shift]]) / 2
    return FiniteLaw(f"separate-{shift:g}", scm, laws)


def tables(k_f: int, k_y: int, k_e: int, entanglement: float) -> FiniteLaw:
    """Random tables: F given (C, S), Y a channel of C; `entanglement` says how much style matters.

    F is drawn from C alone with probability 1 - entanglement, from C and S else.
    """
    random = np.random.default_rng([k_f, k_y, k_e, 1])
    n_c = n_s = 4

    def rows(*shape: int) -> Floats:
        return random.dirichlet(np.full(shape[-1], 0.5), size=shape[:-1])

    plain, moved = rows(n_c, k_f), rows(n_c, n_s, k_f)
    mixed = (1 - entanglement) * plain[:, None] + entanglement * moved
    scm = FiniteSCM(
        {
            "C": Table((), np.full(n_c, 1 / n_c)),
            "S": Table((), np.full(n_s, 1 / n_s)),
            "F": Table(("C", "S"), mixed / mixed.sum(axis=-1, keepdims=True)),
            "Y": Table(("C",), rows(n_c, k_y)),
        }
    )
    name = f"tables-{k_f}x{k_y}x{k_e}-{entanglement:g}"
    return FiniteLaw(name, scm, rows(k_e, n_s))


@dataclass(frozen=True)
class FlippedContent:
    """f = sign(s) c and Y = sign(c), s ~ N(+-mean, 1) in two environments: continuous c xor s.

    Given |c|, f tells Y through a channel that flips with probability Phi(-mean) in one environment
    and Phi(mean) in the other, so I(Y; E | f) = log 2 - H(Phi(mean)) exactly.
    """

    mean: float

    @property
    def name(self) -> str:
        return f"flipped-{self.mean:g}"

    @property
    def information(self) -> float:
        """I(Y; E | f) in nats, exactly."""
        p = norm.cdf(self.mean)
        return float(np.log(2) + p * np.log(p) + (1 - p) * np.log(1 - p))

    def draw(self, n: int, random: Generator) -> Triple:
        """n samples."""
        environment = random.integers(2, size=n)
        content = random.normal(size=n)
        style = random.normal(size=n) + self.mean * (2 * environment - 1)
        return (content * np.sign(style))[:, None], (content > 0).astype(int), environment


DISCRETE: tuple[tuple[FiniteLaw, int], ...] = (
    (xor(0.0), 40),
    (tables(3, 2, 2, 0.0), 60),
    (tables(8, 5, 4, 0.0), 200),
    (separate(0.7), 100),
)
"""Laws with Y independent of E given F, and how many samples a test is given."""

DELTAS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
FLIPS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
POWER_N = (200, 800)
"""Sizes of the samples in the power curves."""

COVERAGE_N = (200, 1000)
COVERED: tuple[FiniteLaw, ...] = (
    *(xor(delta) for delta in (0.0, 0.2, 0.5, 0.9)),
    *(tables(6, 4, 3, entanglement) for entanglement in (0.0, 0.3, 1.0)),
    separate(0.7),
)
"""Laws whose I(Y; E | F) intervals are to cover: 0 among them."""


COVERED_FLIPS = (0.0, 0.5)
"""Of `FlippedContent`, where the logistic probe class does not hold the truth."""

Law = Null | FiniteLaw | FlippedContent


_EVERY: tuple[Law, ...] = (
    *CONTINUOUS,
    STRESS,
    *COVERED,
    *(law for law, _ in DISCRETE),
    *(xor(delta) for delta in DELTAS),
    *(FlippedContent(mean) for mean in (*FLIPS, *COVERED_FLIPS)),
)
LAWS = {law.name: law for law in _EVERY}
"""Every law that is used here, by name."""
