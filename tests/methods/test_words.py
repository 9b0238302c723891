"""A recipe in words, beside the numbers that the papers give."""

from dataclasses import replace

from causal_ssl import methods
from causal_ssl.methods import Optimiser
from causal_ssl.methods.words import in_words


def said(name: str) -> dict[str, str]:
    """What it has, in words."""
    method = methods.get(name)
    return {part: text for part, text in in_words(method, method.image_recipe()).items() if text}


def test_byol_as_its_paper_has_it() -> None:
    assert said("byol") == {
        "target": "moving average, 0.996, cosine",
        "critic": "4096-256",
        "predictor": "4096-256",
        "views": "byol",
        "optimiser": "lars",
        "learning rate": "0.2 x 4096/256 = 3.2",
        "weight decay": "1.5e-06, not of biases and norms",
        "warm-up epochs": "10",
        "batch": "4096",
        "epochs": "1000",
    }


def test_a_queue_and_a_decay_of_all_are_said() -> None:
    words = said("moco_v2")
    assert words["queue"] == "65536"
    assert words["weight decay"] == "0.0001, of all parameters"
    assert words["target"] == "moving average, 0.999, constant"


def test_outputs_that_are_classes_are_said_to_be() -> None:
    assert said("supervised")["critic"] == "classes"


def test_what_was_asked_for_is_said_as_it_is() -> None:
    method = methods.get("relic")
    recipe = method.image_recipe()
    adam = Optimiser("adam", 0.005)
    words = in_words(method, replace(recipe, optimiser=adam, rate_rule="fixed"))
    assert (words["learning rate"], words["weight decay"]) == ("0.005", "0")
