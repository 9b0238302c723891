"""The studies' configs and presets."""

import itertools

import pytest

from causal_ssl.errors import InputError
from causal_ssl.experiments.catalogue import from_preset, presets
from causal_ssl.experiments.content_style import config, jobs, plan, settings
from causal_ssl.experiments.content_style.config import DimensionsStudy, NumericalStudy
from causal_ssl.experiments.reproduce import command


@pytest.mark.parametrize("study", ["numerical", "dimensions"])
def test_every_preset_is_a_valid_config_that_its_methods_and_trainer_accept(study: str) -> None:
    assert presets(study) == ["quick", "standard", "paper"]
    for name in presets(study):
        jobs.check(from_preset(study, name))


def test_the_quick_preset_has_a_few_worlds_a_setting_and_disjoint_fit_and_score_points() -> None:
    quick = from_preset("numerical", "quick")
    assert set(quick.settings) == set(settings.SETTINGS)
    assert (quick.independent.seeds, quick.dependent.seeds) == (2, 3)
    assert (quick.n_fit, quick.n_score) == (1024, 2048)


def test_the_standard_preset_has_ten_worlds_in_the_dependent_settings() -> None:
    standard = from_preset("numerical", "standard")
    assert standard.dependent.seeds >= 10
    pairs = {(c.setting, c.seed): set() for c in plan.cells(standard)}
    for cell in plan.cells(standard):
        pairs[cell.setting, cell.seed].add(cell.method)
    assert all(found == {"infonce", "relic"} for found in pairs.values())


def test_the_paper_preset_follows_the_paper_and_its_public_code() -> None:
    paper = from_preset("numerical", "paper")
    assert (paper.batch_size, paper.learning_rate, paper.schedule) == (6144, 1e-4, "constant")
    assert {paper.independent.steps, paper.dependent.steps} == {300_000}
    assert {paper.independent.seeds, paper.dependent.seeds} == {3}
    assert (paper.n_fit, paper.n_score, paper.negatives) == (5 * 4096, 10 * 4096, "separate")
    widths = [10, *paper.hidden, 5]
    parameters = sum(a * b + b for a, b in itertools.pairwise(widths))
    assert parameters == 853_705
    assert config.ALPHAS[paper.alphas] == (1, 0.1, 0.01, 0.001)
    assert config.ALPHAS["paper"] == (1, 0.1, 0.001, 0.0001)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_fit": 2, "folds": 3}, "n_fit = 2 samples cannot fill folds = 3"),
        ({"settings": ("p1", "p1")}, "settings names p1 more than once"),
        ({"batch_size": 1}, "batch_size must be at least 2, got 1"),
        ({"independent": {"steps": 0}}, "steps must be at least 1, got 0"),
        ({"settings": ["p0.75"]}, "unknown setting 'p0.75': did you mean 'p075'"),
    ],
)
def test_impossible_configs_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_preset("numerical", "quick", **values)


def test_an_unknown_preset_or_method_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'quick'"):
        from_preset("numerical", "quik")
    with pytest.raises(InputError, match="did you mean 'relic'"):
        jobs.check(NumericalStudy(methods=("relik",)))


def test_the_command_of_a_report_names_the_nearest_preset_and_what_differs() -> None:
    changed = from_preset("numerical", "standard", tau=0.5, settings=("p1",), device="cpu")
    assert command(changed) == (
        "causal-ssl study numerical --preset standard --settings p1 --tau 0.5 --device cpu"
    )


def test_on_a_gpu_all_worlds_of_a_method_and_budget_train_as_one_job() -> None:
    quick = from_preset("numerical", "quick", device="cuda")
    training = [job for job in plan.jobs(quick) if job.cells[0].method != plan.REFERENCES]
    assert sorted(len(job.cells) for job in training) == [4, 4, 6, 6]
    assert {c for job in training for c in job.cells} == set(plan.cells(quick))
    assert len({job.name for job in plan.jobs(quick)}) == len(plan.jobs(quick))


@pytest.mark.parametrize(("seeds", "sizes"), [(1, [1, 1]), (3, [3, 3]), (5, [3, 3, 4])])
def test_on_a_cpu_alike_cells_share_jobs_of_at_most_four_and_two_cores_have_work(
    seeds: int, sizes: list[int]
) -> None:
    """Two settings of `seeds` worlds each: 2, 6 and 10 alike cells."""
    budget = {"seeds": seeds, "steps": 100}
    config = from_preset(
        "numerical", settings=("p1", "p075"), methods=("relic",), independent=budget, device="cpu"
    )
    training = [job for job in plan.jobs(config) if job.cells[0].method != plan.REFERENCES]
    assert sorted(len(job.cells) for job in training) == sizes
    assert sorted(c for job in training for c in job.cells) == sorted(plan.cells(config))
    assert len({job.name for job in plan.jobs(config)}) == len(plan.jobs(config))


def test_the_dimensions_study_covers_one_to_content_and_style_together() -> None:
    assert DimensionsStudy(n_content=2, n_style=1).n_outputs == (1, 2, 3)
