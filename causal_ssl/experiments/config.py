"""What all studies' configs have in common."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.experiments import options


@dataclass(frozen=True)
class StudyConfig:
    """A study's options: a frozen dataclass whose fields are made by `options.option`.

    Values out of their range are refused when it is made. A study that trains has a field `device`.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.
    """

    name: ClassVar[str]
    """The study's name in tables, files and on the command line."""

    def __post_init__(self) -> None:
        options.check(self)
