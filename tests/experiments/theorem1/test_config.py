"""The study's options, and that what it says of its settings is what the library draws."""

import subprocess
import sys

import pytest

from causal_ssl.analysis import theorem1_settings
from causal_ssl.errors import InputError
from causal_ssl.experiments.catalogue import from_preset, presets
from causal_ssl.experiments.reproduce import command
from causal_ssl.experiments.theorem1 import plan, settings
from causal_ssl.experiments.theorem1.config import Theorem1Study


def test_the_settings_are_those_of_the_library() -> None:
    assert set(settings.SETTINGS) == set(theorem1_settings.SETTINGS)
    holding = {setting.name for setting in settings.SETTINGS.values() if setting.must_hold}
    assert holding == set(theorem1_settings.MUST_HOLD)
    assert all(bool(s.failure) is not s.must_hold for s in settings.SETTINGS.values())


def test_the_presets_check_thousands_of_models_in_every_setting() -> None:
    assert presets("theorem1") == ["quick", "standard"]
    quick, standard = (from_preset("theorem1", name) for name in presets("theorem1"))
    assert set(quick.settings) == set(standard.settings) == set(settings.SETTINGS)
    assert quick.models * len(quick.settings) >= 2000
    assert standard.models >= 10_000
    assert command(standard) == "causal-ssl study theorem1 --preset standard"


@pytest.mark.parametrize(("models", "size"), [(1, 500), (7, 3), (9, 3), (500, 500)])
def test_the_batches_hold_every_model_once(models: int, size: int) -> None:
    config = Theorem1Study(models=models, first_seed=40, models_per_job=size)
    jobs = plan.jobs(config)
    assert len({job.name for job in jobs}) == len(jobs)
    for setting in config.settings:
        seeds = [seed for job in jobs if job.setting == setting for seed in job.seeds]
        assert seeds == list(range(40, 40 + models))
    assert sum(plan.work(config, job) for job in jobs) == models * len(config.settings)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"settings": ("refinements",)},
            "unknown setting 'refinements': did you mean 'refinement'",
        ),
        ({"settings": ("channel", "channel")}, "settings names channel more than once"),
        ({"settings": ()}, "settings is empty: name at least one"),
        ({"models": 0}, "models must be at least 1, got 0"),
        ({"first_seed": -1}, "first_seed must be at least 0, got -1"),
        ({"models_per_job": 0}, "models_per_job must be at least 1, got 0"),
    ],
)
def test_impossible_configs_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_preset("theorem1", **values)


def test_help_names_what_there_is_and_does_not_wait_for_torch() -> None:
    program = (
        "import sys; from causal_ssl import cli\n"
        "try: cli.main(['study', 'theorem1', '--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'pandas', 'numpy', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for part in ("--preset", "quick, standard", "--models", "examples:", *settings.SETTINGS):
        assert part in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
