"""Names of methods in help are those of the registry."""

from dataclasses import fields

import pytest

from causal_ssl import methods
from causal_ssl.experiments import method_names
from causal_ssl.experiments.catalogue import STUDIES


@pytest.mark.parametrize(
    ("named", "registered"),
    [
        (method_names.NUMERICAL, methods.names()),
        (method_names.WITH_GROUPS, methods.names(takes_groups=None)),
        (method_names.PRETRAINING, methods.pretraining_names()),
    ],
    ids=["numerical", "with groups", "pretraining"],
)
def test_they_are_those_of_the_registry_in_its_order(named: str, registered: list[str]) -> None:
    assert named.split(", ") == registered


def test_all_of_them_are_known_without_the_registry() -> None:
    assert sorted(methods.all_names()) == method_names.ALL


def test_every_study_that_is_told_methods_names_them_in_its_help() -> None:
    found = {
        study.name: option.metadata["help"].partition(": ")[2]
        for study in STUDIES.values()
        for option in fields(study.config)
        if option.name == "methods"
    }
    assert found == {
        "numerical": method_names.NUMERICAL,
        "dimensions": method_names.NUMERICAL,
        "causal3dident": method_names.NUMERICAL,
        "invariance": method_names.WITH_GROUPS,
        "methods": method_names.PRETRAINING,
        "robustness": method_names.PRETRAINING,
    }
