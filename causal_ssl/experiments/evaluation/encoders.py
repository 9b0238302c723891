"""The encoder that is evaluated, and a digest that tells its weights from all others."""

from dataclasses import dataclass
from functools import cached_property

from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.config import Evaluation
from causal_ssl.models.weights.digest import weights_digest
from causal_ssl.models.weights.opening import OpenedEncoder, open_encoder
from causal_ssl.training.device import device_of


@dataclass(frozen=True, eq=False)
class Subject(OpenedEncoder):
    """An encoder with its heads, on the device that it is evaluated on."""

    @cached_property
    def digest(self) -> str:
        """Of its trunk's weights, and of how it standardises its input."""
        return weights_digest(self.encoder)


def open_subject(asked: Evaluation) -> Subject:
    """The encoder that was asked for.

    Raises:
        InputError: none was named, there is none, or its file is damaged or of another kind; no GPU
            where one was asked for.
    """
    if not asked.checkpoint:
        raise InputError(
            "no encoder: give --checkpoint, a run of `causal-ssl pretrain` or a file of weights"
        )
    device = device_of(asked.device)
    opened = open_encoder(asked.checkpoint, network=asked.network, prefix=asked.prefix)
    opened.encoder.to(device)  # its heads are parts of it
    return Subject(**vars(opened))
