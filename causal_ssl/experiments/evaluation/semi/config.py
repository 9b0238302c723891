"""What `causal-ssl evaluate semi` may be told."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.experiments.evaluation.finetune.config import Finetune
from causal_ssl.experiments.options import option


@dataclass(frozen=True)
class Semi(Finetune):
    """The same on the few images of a list, such as the 1 % and 10 % published with SimCLR.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> Semi(subset="1percent.txt").name
        'semi'
    """

    name: ClassVar[str] = "semi"

    subset: str = option(
        "",
        "file that lists the labelled images, such as SimCLR's 1percent.txt; has to be given",
        metavar="FILE",
    )
