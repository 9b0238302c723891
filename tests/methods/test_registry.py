"""The registry: every entry works as it is, overrides are checked, names are unique."""

from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from causal_ssl import methods
from causal_ssl.errors import InputError
from causal_ssl.methods import Method
from causal_ssl.objectives import InfoNCE, NegSquaredL2, ReLIC

every_method = pytest.mark.parametrize("name", methods.names(takes_groups=None))


def test_the_methods_of_the_numerical_study_are_registered() -> None:
    expected = ["infonce", "relic", "relic_t", "align_maxent", "barlow_twins", "vicreg"]
    assert methods.names()[:6] == expected


@every_method
def test_every_entry_is_complete_and_computes_a_loss(name: str) -> None:
    method = methods.get(name)
    assert method.name == name
    assert method.title
    assert method.summary
    assert "arXiv" in method.citation
    outputs = torch.rand(2, 3, 16, 4, generator=torch.Generator().manual_seed(0))
    objective = method.objective()
    negatives = outputs[0] if objective.takes_negatives else None
    groups = torch.arange(16).expand(3, 16) // 4 if objective.takes_groups else None
    terms = objective(list(outputs), negatives=negatives, groups=groups)
    assert terms["loss"].shape == (3,)
    assert terms["loss"].isfinite().all()


@every_method
def test_an_unknown_override_is_refused_with_the_nearest_option(name: str) -> None:
    method = methods.get(name)
    option = next(iter(method.options))
    with pytest.raises(InputError, match=f"option of {name} '{option}x': did you mean '{option}'"):
        method.objective(**{option + "x": 1.0})


def test_the_numerical_defaults() -> None:
    infonce, relic = methods.get("infonce").objective(), methods.get("relic").objective()
    assert isinstance(infonce, InfoNCE)
    assert isinstance(relic, ReLIC)
    assert infonce.similarity == relic.similarity == NegSquaredL2()
    assert infonce.tau == relic.tau == relic.alpha == 1
    assert methods.get("relic_t").target
    assert not methods.get("relic").target
    assert methods.get("align_maxent").output == "sigmoid"


def test_methods_that_need_groups_are_named_only_if_asked_for() -> None:
    assert methods.names(takes_groups=True) == ["supcon"]
    assert "supcon" not in methods.names()
    everything = methods.names(takes_groups=None)
    assert sorted(everything) == sorted(methods.names() + methods.names(takes_groups=True))
    assert methods.get("supcon").takes_groups
    assert not methods.get("infonce").takes_groups
    assert methods.get("infonce").objective(positives="group_mass").takes_groups


def test_supcon_takes_anchors_from_both_views_and_all_members_alike() -> None:
    objective = methods.get("supcon").objective()
    assert isinstance(objective, InfoNCE)
    assert objective.symmetric
    assert objective.positives == "group_mean_log"


def test_overrides_change_one_objective_and_not_the_method() -> None:
    method = methods.get("relic")
    assert method.objective(alpha=0.5).alpha == 0.5
    assert method.objective().alpha == 1
    assert method.objective(rho=0.1).rho == 0.1
    with pytest.raises(InputError, match="alpha must be at least 0, got -1"):
        method.objective(alpha=-1.0)


def test_options_show_the_defaults_in_force() -> None:
    options = methods.get("relic").options
    assert options["similarity"] == "neg_squared_l2"
    assert options["divergence"] == "kl"


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match="did you mean 'infonce'"):
        methods.get("infonse")


def test_a_name_is_given_once() -> None:
    with pytest.raises(InputError, match="'relic' is registered already"):
        methods.register(replace(methods.get("infonce"), name="relic"))
    assert methods.get("relic").objective_class is ReLIC


def test_a_default_that_the_objective_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="default of method mine 'tua': did you mean 'tau'"):
        methods.register(replace(methods.get("infonce"), name="mine", defaults={"tua": 1.0}))
    assert "mine" not in methods.names()


def test_a_method_can_not_be_changed() -> None:
    method: Method = methods.get("infonce")
    with pytest.raises(FrozenInstanceError):
        method.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        method.defaults["tau"] = 2.0  # type: ignore[index]
