"""What the calibration has to do: replications of every configuration, in chunks."""

from dataclasses import dataclass
from math import ceil

from causal_ssl.experiments.calibration import worlds
from causal_ssl.experiments.calibration.config import CalibrationStudy

CHUNK = 100
"""Replications that a job does."""

STRATIFIED, RANDOMISED, LOCAL = (
    "stratified_permutation",
    "conditional_randomisation",
    "local_permutation",
)


@dataclass(frozen=True)
class Configuration:
    """A law, how it is drawn from, and what is calibrated on it.

    Attributes:
        part: see `PARTS`.
        law: its name, see `worlds`.
        method: a test, or a probe class for the intervals of the gap.
        n: samples that a test or an interval is of.
        ratio: samples behind p(E | f) for each of these; 0 where there are none.
    """

    part: str
    law: str
    method: str
    n: int
    ratio: int = 0

    @property
    def name(self) -> str:
        ratio = f"-r{self.ratio}" if self.ratio else ""
        return f"{self.part}-{self.law}-{self.method}-n{self.n}{ratio}"


@dataclass(frozen=True)
class Job:
    """Replications first, first + 1, ..., first + count - 1 of a configuration."""

    configuration: Configuration
    first: int
    count: int

    @property
    def name(self) -> str:
        return f"{self.configuration.name}-{self.first}"

    @property
    def cell_names(self) -> list[str]:
        return [self.name]


def configurations(config: CalibrationStudy) -> list[Configuration]:
    """Everything that is calibrated, in the order of the table."""
    found: list[Configuration] = []
    if "discrete" in config.parts:
        found += [Configuration("discrete", law.name, STRATIFIED, n) for law, n in worlds.DISCRETE]
    if "continuous" in config.parts:
        found += _continuous(config)
    if "power" in config.parts:
        found += _power()
    if "coverage" in config.parts:
        found += _coverage()
    return found


def _continuous(config: CalibrationStudy) -> list[Configuration]:
    smallest, usual = min(config.n), 10 if 10 in config.ratios else max(config.ratios)
    sizes = [(n, usual) for n in config.n]
    ratios = [(smallest, ratio) for ratio in config.ratios if ratio != usual]
    wanted: list[tuple[worlds.Null, list[tuple[int, int]]]] = [
        *((law, [*sizes, *ratios]) for law in worlds.CONTINUOUS),
        (worlds.STRESS, sizes),
    ]
    return [
        *(
            Configuration("continuous", law.name, RANDOMISED, n, ratio)
            for law, pairs in wanted
            for n, ratio in pairs
        ),
        *(Configuration("continuous", law.name, LOCAL, smallest) for law, _ in wanted),
    ]


def _power() -> list[Configuration]:
    flips = [worlds.FlippedContent(mean).name for mean in worlds.FLIPS]
    return [
        *(
            Configuration("power", worlds.xor(delta).name, STRATIFIED, n)
            for n in worlds.POWER_N
            for delta in worlds.DELTAS
        ),
        *(Configuration("power", name, RANDOMISED, worlds.POWER_N[0], 10) for name in flips),
        *(Configuration("power", name, LOCAL, worlds.POWER_N[0]) for name in flips),
    ]


def _coverage() -> list[Configuration]:
    flips = [worlds.FlippedContent(mean).name for mean in worlds.COVERED_FLIPS]
    return [
        *(
            Configuration("coverage", law.name, "empirical", n)
            for law in worlds.COVERED
            for n in worlds.COVERAGE_N
        ),
        *(
            Configuration("coverage", name, "logistic", n)
            for name in flips
            for n in worlds.COVERAGE_N
        ),
    ]


def jobs(config: CalibrationStudy) -> list[Job]:
    """All jobs, the longest first."""
    found = [
        Job(each, k * CHUNK, min(CHUNK, config.replications - k * CHUNK))
        for each in configurations(config)
        for k in range(ceil(config.replications / CHUNK))
    ]
    return sorted(found, key=lambda job: -work(config, job))


def work(config: CalibrationStudy, job: Job) -> float:
    """How long a job takes, in milliseconds of one core of 2026, to a factor of two."""
    each = job.configuration
    if each.method == RANDOMISED:
        cost = 35 + 0.012 * each.n * each.ratio
    elif each.method == LOCAL:
        cost = 40
    elif each.part == "coverage":
        cost = 30 if each.method == "empirical" else 60
    else:
        cost = 5
    return cost * job.count
