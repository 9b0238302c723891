"""The encoder that is evaluated, and a digest that tells its weights from all others."""

from dataclasses import dataclass

from torch import nn

from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.config import Evaluation
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.models.weights.digest import weights_digest
from causal_ssl.models.weights.opening import open_encoder
from causal_ssl.training.device import device_of

__all__ = ["Subject", "open_subject", "weights_digest"]


@dataclass(frozen=True, eq=False)
class Subject:
    """A frozen encoder.

    Attributes:
        network: in eval mode, on the device that it is evaluated on.
        source: what it is, in words.
        digest: of its trunk's weights, and of how it standardises its input.
        classifier: of a network that was trained with labels; None: there is none.
        critic: g, (n, width) -> (n, n_outputs), of a network of ours that was trained without
            labels, on its device; None: there is none.
    """

    network: ImageEncoder
    source: str
    digest: str
    classifier: nn.Linear | None = None
    critic: nn.Module | None = None


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
    network = opened.encoder
    digest = weights_digest(network)
    return Subject(network.to(device), opened.source, digest, opened.classifier, opened.critic)
