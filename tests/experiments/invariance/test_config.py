"""Options and plan of the invariance study."""

import pytest

from causal_ssl.analysis.probes import PROBES
from causal_ssl.errors import InputError
from causal_ssl.experiments.catalogue import from_preset, presets
from causal_ssl.experiments.invariance import config as invariance_config
from causal_ssl.experiments.invariance import jobs, plan, samples
from causal_ssl.experiments.invariance.config import CONTROLS, InvarianceStudy
from causal_ssl.experiments.invariance.summary import method_titles


def test_help_names_exactly_the_probes_and_controls() -> None:
    # Representations are continuous here: a table of frequencies is no probe for them.
    assert set(invariance_config.PROBES) == set(PROBES) - {"empirical"}
    for name in CONTROLS:
        samples.control(name)


def test_every_preset_is_a_config_that_can_be_run() -> None:
    assert presets("invariance") == ["quick", "standard"]
    for name in presets("invariance"):
        jobs.check(from_preset("invariance", name, device="cpu"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cells": 48}, "cells must be a power of 2"),
        ({"cells": 128}, "cells must be at most 64, got 128"),
        ({"p_change": 1.5}, "p_change must be at most 1, got 1.5"),
        ({"n_test": 2, "folds": 3}, "n_test = 2 samples cannot fill folds = 3"),
        ({"controls": ("orakle",)}, "unknown control 'orakle': did you mean 'oracle'"),
        ({"probes": ("logistics",)}, "unknown probe 'logistics': did you mean 'logistic'"),
        ({"worlds": ("causal", "causal")}, "worlds names causal more than once"),
        ({"scale": 0.0}, "scale must be above 0, got 0"),
    ],
)
def test_impossible_configs_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_preset("invariance", "quick", **values)


def test_unknown_methods_and_controls_in_their_place_are_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'infonce'"):
        jobs.check(InvarianceStudy(methods=("infonse",), device="cpu"))
    with pytest.raises(InputError, match="method 'oracle' is a control"):
        jobs.check(InvarianceStudy(methods=("oracle",), device="cpu"))


def test_relic_has_an_encoder_for_every_alpha_and_the_jobs_cover_every_cell_once() -> None:
    config = InvarianceStudy(relic_alphas=(0.5, 2.0), seeds=3, device="cpu")
    variants = [("infonce", None), ("relic", 0.5), ("relic", 2.0), ("supcon", None)]
    assert plan.variants(config) == variants
    every = plan.cells(config)
    assert len(every) == 2 * 3 * (4 + len(CONTROLS))
    assert sorted(c.name for job in plan.jobs(config) for c in job.cells) == sorted(
        c.name for c in every
    )
    names = [job.name for job in plan.jobs(config)]
    assert len(set(names)) == len(names)
    for job in plan.jobs(config):
        assert len({(c.method, c.alpha) for c in job.cells}) == 1 or job.cells[0].is_control


def test_alphas_that_differ_late_have_names_of_their_own() -> None:
    config = InvarianceStudy(methods=("relic",), relic_alphas=(0.1234567, 0.1234568))
    names = [cell.name for cell in plan.cells(config)]
    assert len(set(names)) == len(names)
    assert list(method_titles(config)) == ["relic_0.1234567", "relic_0.1234568"]


def test_the_ladder_goes_down_to_two_cells() -> None:
    assert InvarianceStudy().ladder == (64, 32, 16, 8, 4, 2)
    assert InvarianceStudy(cells=2).ladder == (2,)
