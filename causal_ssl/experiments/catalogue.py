"""Which studies there are, and all presets: what the command line knows without computing.

    config = from_preset("numerical", "quick", methods=("relic",))
    study_of(config.name).load()      # how it is run; imports what it needs

A study is a folder here with a config (`config.py`, light: help must not wait for torch) and a
`Study` called STUDY (`study.py`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module, resources
from importlib.resources.abc import Traversable
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import yaml

from causal_ssl.errors import unknown_name
from causal_ssl.experiments import options
from causal_ssl.experiments.calibration.config import CalibrationStudy
from causal_ssl.experiments.causal3dident.config import Causal3DIdentStudy
from causal_ssl.experiments.config import StudyConfig
from causal_ssl.experiments.content_style.config import DimensionsStudy, NumericalStudy
from causal_ssl.experiments.invariance.config import InvarianceStudy
from causal_ssl.experiments.methods.config import MethodsStudy
from causal_ssl.experiments.robustness.config import RobustnessStudy
from causal_ssl.experiments.theorem1.config import Theorem1Study

if TYPE_CHECKING:
    from causal_ssl.experiments.study import Study

BUDGETS = {
    "seeds": ("worlds of every setting", ("independent.seeds", "dependent.seeds")),
    "steps": ("training steps in every setting", ("independent.steps", "dependent.steps")),
}


@dataclass(frozen=True)
class Entry:
    """A study as the command line sees it.

    Args:
        title: what it asks, as a clause: "whether ...".
        config: its options, with the defaults of the quick preset.
        package: where its `study.py` is.
        examples: command lines, as the end of its help.
        shortcuts: option -> (its help, the config keys that it sets together).
    """

    title: str
    config: type[StudyConfig]
    package: str
    examples: str
    shortcuts: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As the command line spells it."""
        return self.config.name

    def load(self) -> "Study[Any, Any]":
        """How the study is run."""
        study: Study[Any, Any] = import_module(f"{self.package}.study").STUDY
        return study


_ENTRIES = (
    Entry(
        "whether encoders isolate content from style, beside published numbers",
        NumericalStudy,
        "causal_ssl.experiments.content_style",
        """examples:
  causal-ssl study numerical --preset quick
  causal-ssl study numerical --settings p1 p075 --methods infonce relic vicreg --seeds 3
  causal-ssl study numerical --preset standard --dependent.seeds 20 --out runs/many-worlds
  causal-ssl study numerical --preset paper --alphas paper --device cuda
  causal-ssl study numerical --config runs/x/config.yaml --out runs/y

An interrupted run continues when its command is repeated. A value comes from the
command line, else from --config, else from --preset.""",
        BUDGETS,
    ),
    Entry(
        "the same over the number of the encoder's outputs",
        DimensionsStudy,
        "causal_ssl.experiments.content_style",
        """examples:
  causal-ssl study dimensions --preset quick
  causal-ssl study dimensions --settings p1 --max-outputs 6 --seeds 3

An interrupted run continues when its command is repeated.""",
        BUDGETS,
    ),
    Entry(
        "whether the gap of a proxy bounds the gap of every task, exactly, on finite models",
        Theorem1Study,
        "causal_ssl.experiments.theorem1",
        """examples:
  causal-ssl study theorem1 --preset quick
  causal-ssl study theorem1 --preset standard --out runs/theorem1
  causal-ssl study theorem1 --settings refinement hidden_channel --models 500

An interrupted run continues when its command is repeated.""",
    ),
    Entry(
        "whether p(Y | f(X)) of learnt representations depends on interventions, on samples",
        InvarianceStudy,
        "causal_ssl.experiments.invariance",
        """examples:
  causal-ssl study invariance --preset quick
  causal-ssl study invariance --worlds causal --methods relic --relic-alphas 0 1 10 100
  causal-ssl study invariance --environments hard --probes logistic boosted_trees

An interrupted run continues when its command is repeated.""",
    ),
    Entry(
        "whether its p-values and intervals are what they claim, where the truth is known",
        CalibrationStudy,
        "causal_ssl.experiments.calibration",
        """examples:
  causal-ssl study calibration --preset quick
  causal-ssl study calibration --preset standard --out runs/calibration
  causal-ssl study calibration --parts discrete power --replications 500

An interrupted run continues when its command is repeated.""",
    ),
    Entry(
        "what image encoders keep of content and style, beside published numbers",
        Causal3DIdentStudy,
        "causal_ssl.experiments.causal3dident",
        """examples:
  causal-ssl study causal3dident --preset quick
  causal-ssl study causal3dident --settings lt_hues lt_positions --methods infonce barlow_twins
  causal-ssl study causal3dident --preset paper --data-root sets/causal3dident --device cuda

Images are rendered into the run's directory first, unless --data-root names some. An
interrupted run continues when its command is repeated.""",
    ),
    Entry(
        "what each pretraining method learns at one small budget, beside raw pixels",
        MethodsStudy,
        "causal_ssl.experiments.methods",
        """examples:
  causal-ssl study methods --preset quick
  causal-ssl study methods --preset standard --out runs/all-methods
  causal-ssl study methods --methods relic byol --seeds 3 --epochs 8

Images are Fashion-MNIST's, from Debian's package dataset-fashion-mnist, unless --data-root
names others. An interrupted run continues when its command is repeated.""",
    ),
    Entry(
        "whether ReLIC's invariance penalty buys robustness, against itself without it",
        RobustnessStudy,
        "causal_ssl.experiments.robustness",
        """examples:
  causal-ssl study robustness --preset quick
  causal-ssl study robustness --preset standard --out runs/robustness
  causal-ssl study robustness --alphas 0 1 10 --seeds 3 --corruptions fog frost snow

Images are Fashion-MNIST's, from Debian's package dataset-fashion-mnist. An interrupted run
continues when its command is repeated.""",
    ),
)
STUDIES: Mapping[str, Entry] = {entry.name: entry for entry in _ENTRIES}


def study_of(name: str) -> Entry:
    """The study of that name.

    Raises:
        InputError: there is none; the message names the nearest.
    """
    if name not in STUDIES:
        raise unknown_name("study", name, STUDIES)
    return STUDIES[name]


def presets(of: str) -> list[str]:
    """Names of the presets of a study, or of "pretraining".

    Examples:
        >>> presets("numerical")
        ['quick', 'standard', 'paper']
    """
    found = {entry.name.removesuffix(".yaml") for entry in _folder(of).iterdir()}
    order = ["quick", "standard", "paper"]
    return sorted(found, key=lambda name: (order.index(name) if name in order else 3, name))


def preset(of: str, name: str) -> dict[str, Any]:
    """The values of a preset, nested as in its YAML file.

    Raises:
        InputError: there is no such preset; the message names the nearest.
    """
    return yaml.safe_load(_text(of, name)) or {}


def preset_title(of: str, name: str) -> str:
    """What a preset is for: the first sentence of the comment that its file begins with.

    Raises:
        InputError: as `preset`.

    Examples:
        >>> preset_title("pretraining", "causal3dident-resnet18")
        'ResNet-18 on a Causal3DIdent set, rendered or published'
    """
    lines = takewhile(lambda line: line.startswith("#"), _text(of, name).splitlines())
    comment = " ".join(line.removeprefix("#").strip() for line in lines)
    return re.split(r"(?<=\.)\s+(?=[A-Z])", comment)[0].rstrip(".")


def _folder(of: str) -> Traversable:
    return resources.files("causal_ssl.experiments") / "presets" / of


def _text(of: str, name: str) -> str:
    if name not in (known := presets(of)):
        raise unknown_name("preset", name, known)
    return (_folder(of) / f"{name}.yaml").read_text()


def from_preset(study: str, name: str = "quick", **values: Any) -> Any:
    """A study's config: the preset's values, and `values` in place of some of them.

    Examples:
        >>> from_preset("numerical", "quick", methods=("relic",)).methods
        ('relic',)
    """
    return options.from_dict(study_of(study).config, preset(study, name) | values)
