"""What a representation is asked in one kind of environment: rows of the study's table."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd
from torch import Tensor

from causal_ssl.analysis.conditional_independence import conditional_randomisation_test
from causal_ssl.analysis.identifiability import r2_scores
from causal_ssl.analysis.invariance import FINEST, invariance, pairwise_gaps
from causal_ssl.analysis.multiple_testing import holm
from causal_ssl.analysis.paired_swap import paired_swap_test
from causal_ssl.analysis.proxy_invariance import proxy_gap_matrix
from causal_ssl.analysis.separability import separability
from causal_ssl.analysis.transfer import transfer
from causal_ssl.datasets.content_style import ContentStyle
from causal_ssl.experiments.invariance import samples
from causal_ssl.experiments.invariance.config import InvarianceStudy
from causal_ssl.experiments.invariance.samples import Environments, Representation, Ring
from causal_ssl.randomness import derived_seed, generator_for

Row = dict[str, Any]
"""metric, variable, environment, against, value, low, high, probe: see the study's table."""


@dataclass(frozen=True, eq=False)
class Question:
    """A representation, and where it is tested."""

    config: InvarianceStudy
    world: ContentStyle
    kind: str
    represent: Representation
    critic: Callable[[Tensor], Tensor] | None = None

    @property
    def ring(self) -> Ring:
        return samples.ring_of(self.config, self.kind)

    def draw(self, n_each: int, purpose: str) -> tuple[Environments, Tensor]:
        """Samples of every environment, and their representation."""
        drawn = samples.draw(self.world, self.ring, n_each, purpose=f"{self.kind} {purpose}")
        return drawn, self.represent(drawn.sample)

    def labels(self, drawn: Environments) -> Tensor:
        """The finest task's."""
        return samples.ladder(self.world).labels(drawn.sample.content, self.config.cells)


def rows(question: Question) -> list[Row]:
    """Everything that is measured, as rows."""
    every = (_gaps, _p_values, _swaps, _proxy_gaps, _recovery)
    table = pd.concat([measure(question) for measure in every], ignore_index=True)
    found: list[Row] = table.astype(object).where(table.notna(), None).to_dict("records")
    return found


def _gaps(question: Question) -> pd.DataFrame:
    """Gap, accuracy and overlap for every probe; pairs, transfer and F_LDA for the first."""
    config = question.config
    drawn, f = question.draw(config.n_test, "estimates")
    y = question.labels(drawn)
    environment = _named(question.ring, drawn.environment)
    tables = []
    for k, probe in enumerate(config.probes):
        found = invariance(
            f,
            y,
            environment,
            probe=probe,
            folds=config.folds,
            coarsenings=coarsenings(question),
            fresh=k == 0,
            seed=question.world.seed,
        )
        tables.append(found.table())
        if k == 0:
            pairs = pairwise_gaps(found.fitted).assign(variable=FINEST)
            moved = transfer(found.fitted).table().assign(variable=FINEST)
            tables += [pairs.assign(probe=probe), moved.assign(probe=probe)]
    apart = separability(f, y).summary()
    return pd.concat([*tables, apart], ignore_index=True)


LDA_CELLS = 16
"""Classes of the task whose F_LDA distribution is shown."""


def f_lda(question: Question) -> pd.DataFrame:
    """F_LDA of the ordered pairs of 16 classes: columns class, other, form, value."""
    drawn, f = question.draw(question.config.n_test, "estimates")
    cells = min(LDA_CELLS, question.config.cells)
    labels = samples.ladder(question.world).labels(drawn.sample.content, cells)
    return separability(f, labels).table()


def coarsenings(question: Question) -> dict[str, Any]:
    """The coarser rungs of the ladder: name -> map from the finest labels."""
    ladder, cells = samples.ladder(question.world), question.config.cells
    return {
        task_name(rung): ladder.coarsening(cells, rung).numpy()
        for rung in question.config.ladder[1:]
    }


def task_name(cells: int) -> str:
    """How tables name a coarser task."""
    return f"cells_{cells}"


def _p_values(question: Question) -> pd.DataFrame:
    """Is Y independent of E given f(X)? The finest task and the binary one."""
    config = question.config
    drawn, f = question.draw(config.n_tested, "tests")
    other, auxiliary = question.draw(config.auxiliary * config.n_tested, "auxiliary")
    y = question.labels(drawn)
    tasks = {FINEST: y}
    if config.cells > 2:
        tasks[task_name(2)] = samples.ladder(question.world).coarsening(config.cells, 2)[y]
    found = []
    for name, labels in tasks.items():
        test = conditional_randomisation_test(
            f,
            labels,
            drawn.environment,
            auxiliary_f=auxiliary,
            auxiliary_environment=other.environment,
            n_resamples=config.n_permutations,
            minimum_ratio=min(config.auxiliary, 10),
            seed=derived_seed(question.world.seed, question.kind, "p-value"),
        )
        found.append({"metric": "p_value", "variable": name, "value": test.p_value})
        found.append({"metric": "informative", "variable": name, "value": test.informative})
    return pd.DataFrame(found)


def _swaps(question: Question) -> pd.DataFrame:
    """Does the representation of a unit change in distribution? Every pair, Holm-adjusted."""
    config, ring = question.config, question.ring
    views = samples.draw_units(
        question.world, ring, config.n_units, purpose=f"{question.kind} swaps"
    )
    f = [question.represent(view) for view in views]
    pairs = list(combinations(range(len(ring)), 2))
    tests = [
        paired_swap_test(
            f[i],
            f[j],
            interventions=(ring[i].label, ring[j].label),
            n_swaps=config.n_permutations,
            seed=derived_seed(question.world.seed, question.kind, "swap", i, j),
        )
        for i, j in pairs
    ]
    # Where no unit has moved the p-value would be pure chance: there is nothing to reject.
    adjusted = holm([test.p_value if test.informative else 1.0 for test in tests])
    table = pd.DataFrame(
        {
            "metric": "p_value_swap",
            "variable": "representation",
            "environment": [ring[i].label for i, _ in pairs],
            "against": [ring[j].label for _, j in pairs],
            "value": adjusted,
        }
    )
    smallest = {"metric": "p_value_swap", "variable": "representation", "value": min(adjusted)}
    return pd.concat([table, pd.DataFrame([smallest])], ignore_index=True)


def _proxy_gaps(question: Question) -> pd.DataFrame:
    """ReLIC's own notion, for f and, where there is a critic, for g(f)."""
    config, ring, world = question.config, question.ring, question.world
    views = samples.draw_units(world, ring, config.n_units, purpose=f"{question.kind} anchors")
    anchors = [question.represent(view) for view in views]
    bank = question.represent(samples.draw_bank(world, ring, config.n_units))
    heads = {"f": (anchors, bank)}
    if question.critic is not None:
        heads["g(f)"] = [question.critic(a) for a in anchors], question.critic(bank)
    tables = []
    for name, (seen, candidates) in heads.items():
        found = proxy_gap_matrix(
            seen,
            candidates,
            similarity="neg_squared_l2",
            tau=config.tau,
            interventions=[each.label for each in ring],
        ).table()
        mean = {"metric": "proxy_gap", "value": found["value"].mean()}
        tables.append(pd.concat([found, pd.DataFrame([mean])]).assign(variable=name))
    return pd.concat(tables, ignore_index=True)


def _recovery(question: Question) -> pd.DataFrame:
    """Kernel-ridge R2 of content and style, on samples without intervention."""
    config, world = question.config, question.world
    sample = world.sample(2 * config.n_test, generator=generator_for(world.seed, "recovery"))
    latents = {"content": sample.content, "style": sample.style}
    found = r2_scores(question.represent(sample).double(), latents, n_fit=config.n_test)
    return found[["metric", "variable", "value"]]


def _named(ring: Ring, environment: Tensor) -> list[str]:
    return [ring[k].label for k in environment.tolist()]
