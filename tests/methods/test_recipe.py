"""Recipes as values: what their optimisers refuse, and the rates that they come to."""

from dataclasses import replace
from typing import Any

import pytest

from causal_ssl import methods
from causal_ssl.errors import InputError
from causal_ssl.methods import Optimiser


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "lards"}, "did you mean 'lars'"),
        ({"decay_all": True}, "decay_all with adam: it is sgd's"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"weight_decay": -0.1}, "weight_decay must be at least 0"),
        ({"momentum": 1.1}, "momentum must be at least 0 and at most 1"),
    ],
)
def test_optimisers_that_do_not_fit_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Optimiser(**{"name": "adam", "learning_rate": 0.1} | values)


def test_the_linear_rule_and_the_fixed_one() -> None:
    recipe = replace(methods.get("moco_v2").image_recipe(), batch_size=1024)
    scaled = Optimiser("sgd", 0.03 * 4, weight_decay=1e-4, decay_all=True)
    assert recipe.scaled_optimiser == scaled
    assert replace(recipe, rate_rule="fixed").scaled_optimiser == recipe.optimiser
