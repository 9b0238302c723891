"""What a run comes to: the method's recipe, with what was asked in place of parts."""

from typing import Any, get_args

import pytest

from causal_ssl import methods
from causal_ssl.errors import InputError
from causal_ssl.experiments.catalogue import presets
from causal_ssl.experiments.pretraining import config
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.plan import (
    MOMENTS,
    Plan,
    asked_for,
    labels_of,
    make_plan,
    ranks_of,
)
from causal_ssl.methods import Optimiser
from causal_ssl.methods.recipe import OptimiserName
from causal_ssl.models.heads import Head
from causal_ssl.models.image_encoders import TRUNKS, Stem
from causal_ssl.objectives import Positives
from causal_ssl.objectives.similarities import SIMILARITIES
from causal_ssl.training.images.run import LOGGERS
from causal_ssl.views.augmentations import stacks

IMAGENET = 1_281_167
every_method = pytest.mark.parametrize("name", methods.pretraining_names())
every_preset = pytest.mark.parametrize("preset_name", presets("pretraining"))


def planned(name: str, *, n_images: int = IMAGENET, n_classes: int = 1000, **values: Any) -> Plan:
    asked = asked_for(name, "imagenet-resnet50", **values)
    return make_plan(name, asked, n_images=n_images, n_classes=n_classes)


def test_relic_on_imagenet_is_the_papers_recipe() -> None:
    plan = planned("relic")
    training = plan.training
    assert training.batch_size == 4096
    assert training.steps == 1000 * (IMAGENET // 4096)
    assert training.optimiser == Optimiser("lars", 0.3 * 4096 / 256, weight_decay=1.5e-6)
    assert training.warmup == pytest.approx(10 / 1000)
    assert training.encoder.name == "resnet50"
    assert training.encoder.head == Head(
        (4096, 2048, 1024, 512), batch_norm=True, last_batch_norm=True
    )
    assert training.encoder.n_outputs == 128
    assert training.predictor is None
    assert training.make_objective().alpha == 1.0  # type: ignore[union-attr]
    assert plan.groups is None


def test_relic_with_a_target_network_has_byols_heads_and_rate() -> None:
    training = planned("relic_t").training
    assert training.optimiser.learning_rate == pytest.approx(0.2 * 4096 / 256)
    assert training.predictor == Head((4096,), batch_norm=True)
    assert training.encoder.n_outputs == 256
    assert (training.target_decay, training.target_schedule) == (0.996, "cosine")


def test_moco_has_a_queue_a_constant_average_and_decays_all() -> None:
    training = planned("moco_v2").training
    assert training.queue == 65_536
    assert (training.target_decay, training.target_schedule) == (0.999, "constant")
    assert training.optimiser.learning_rate == pytest.approx(0.03)
    assert training.optimiser.decay_all


def test_barlow_twins_gives_biases_and_norms_a_rate_of_their_own_under_lars() -> None:
    own = planned("barlow_twins").training.optimiser
    assert own.learning_rate == pytest.approx(1.6)
    assert own.learning_rate * own.plain_factor == pytest.approx(0.0048 * 2048 / 256)
    adam = planned("barlow_twins", optimiser="adam", learning_rate=0.01).training.optimiser
    assert adam.plain_factor == 1


def test_supervised_outputs_are_the_classes() -> None:
    plan = planned("supervised", n_classes=7)
    assert plan.training.encoder.n_outputs == 7
    assert plan.training.predictor is None
    assert plan.views.stack.n_views == 1
    assert plan.groups is labels_of


@pytest.mark.parametrize("accumulate", [1, 8])
def test_the_rate_is_that_of_the_whole_step_whatever_accumulates(accumulate: int) -> None:
    training = planned("relic", batch_size=1024, accumulate=accumulate).training
    assert training.optimiser.learning_rate == pytest.approx(0.3 * 4)
    assert training.accumulate == accumulate


@every_method
@every_preset
def test_every_preset_fits_every_method(name: str, preset_name: str) -> None:
    asked = asked_for(name, preset_name)
    plan = make_plan(name, asked, n_images=60_000, n_classes=10)
    assert plan.views.stack.n_views >= plan.training.make_objective().min_views
    has_predictor = methods.get(name).image_recipe().predictor is not None
    assert (plan.training.predictor is not None) == has_predictor


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("relik", {}, "unknown method 'relik': did you mean 'relic'?"),
        ("supcon", {}, "method 'supcon' has no recipe for images: choose from"),
        ("relic", {"tau": 0.0}, "tau must be above 0, got 0"),
        ("relic", {"alpha": -1.0}, "alpha must be at least 0, got -1"),
        ("byol", {"tau": 0.5}, "byol has no use for it"),
        ("relic", {"critic": "2048x128"}, "critic '2048x128': give the widths of its layers"),
        ("byol", {"critic": "64-32", "predictor": "64-16"}, "ends with 16, the critic with 32"),
        ("relic", {"optimiser": "adam"}, "give --learning-rate"),
        ("relic", {"optimiser": "lards"}, "unknown optimiser 'lards': did you mean 'lars'?"),
        ("relic", {"queue": 64}, "queue = 64, but relic has no use for it: it keeps no past"),
        ("simclr", {"predictor": "64-128"}, "predictor = 64-128, but simclr has no use for it"),
        ("supervised", {"critic": "64-32"}, "its outputs are the classes"),
        ("simclr", {"target_decay": 0.9}, "it has no target network"),
        ("relic", {"views": "simklr"}, "unknown augmentation stack 'simklr'"),
        ("relic", {"steps": 10}, "--warmup-epochs 10 are more than the 0.0321 epochs, 10 steps"),
        ("relic", {"batch_size": 2_000_000}, "1,281,167 images for a batch of 2,000,000"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, values: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says.replace("(", r"\(").replace("?", r"\?")):
        planned(name, **values)


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="views of size = 256 pixels from images read at"):
        Pretraining(size=256, working_size=224)
    with pytest.raises(InputError, match=r"steps = 10 and epochs = 2.0: give one of them"):
        Pretraining(steps=10, epochs=2.0)
    with pytest.raises(InputError, match="loggers none wandb: give none alone"):
        Pretraining(loggers=("none", "wandb"))


def test_processes_are_those_that_a_launcher_started_on_all_machines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Pretraining(device="cpu", batch_size=6)
    assert ranks_of(asked) == 1
    for name, value in (("RUN_ID", "x"), ("WORLD_SIZE", "4"), ("GROUP_WORLD_SIZE", "2")):
        key = f"TORCHELASTIC_{name}" if name == "RUN_ID" else name
        monkeypatch.setenv(key, value)
    assert ranks_of(asked) == 4
    with pytest.raises(InputError, match="on 4 devices: give a multiple of 4"):
        planned("relic", device="cpu", batch_size=6)


def test_another_rate_is_taken_as_it_is() -> None:
    training = planned("relic", learning_rate=0.7, batch_size=512).training
    assert training.optimiser.learning_rate == 0.7


def test_names_for_help_are_those_there_are() -> None:
    assert set(config.ENCODERS) == set(TRUNKS)
    assert set(config.SIMILARITIES.split(", ")) == set(SIMILARITIES)
    assert set(config.MOMENTS) == set(MOMENTS)
    assert set(config.OPTIMISERS) == set(get_args(OptimiserName))
    assert set(config.LOGGERS) == {*LOGGERS, "none"}
    assert set(config.STEMS) == set(get_args(Stem))
    assert set(config.POSITIVES) == set(get_args(Positives))


@every_method
def test_every_recipe_is_whole(name: str) -> None:
    recipe = methods.get(name).image_recipe()
    assert recipe.views in stacks.names()
    assert "arXiv" in recipe.source
    assert recipe.published is None or 50 < recipe.published.top1 < 90
