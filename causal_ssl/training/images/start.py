"""Where training starts from: the trunk of an encoder that is there, under a fresh head."""

from dataclasses import dataclass
from typing import Any

from causal_ssl.errors import InputError, in_range
from causal_ssl.models.image_encoders import EncoderConfig, ImageEncoder
from causal_ssl.models.weights.digest import weights_digest


@dataclass(frozen=True, eq=False)
class Start:
    """The weights that fine-tuning begins with.

    Args:
        encoder: its trunk is copied, weights and batch statistics; its head is left behind.
        head_rate: peak learning rate of the fresh head; None: that of the trunk.

    Raises:
        InputError: head_rate is not above 0.
    """

    encoder: ImageEncoder
    head_rate: float | None = None

    def __post_init__(self) -> None:
        if self.head_rate is not None:
            in_range("head_rate", self.head_rate, above=0)

    def check(self, wanted: EncoderConfig) -> None:
        """Refuse to start an encoder from another one's trunk.

        Raises:
            InputError: trunk, stem or standardisation differ; names all that do.
        """
        there = self.encoder.config
        differing = [
            f"{name} is {getattr(there, name)} there, {getattr(wanted, name)} here"
            for name in ("name", "stem", "mean", "std")
            if getattr(there, name) != getattr(wanted, name)
        ]
        if differing:
            raise InputError(
                f"training cannot start from this encoder: {'; '.join(differing)}. Train an "
                "encoder of the same trunk, stem, mean and std"
            )

    def copy_to(self, encoder: ImageEncoder) -> None:
        """Give an encoder the trunk."""
        encoder.trunk.load_state_dict(self.encoder.trunk.state_dict())

    def factors(self, learning_rate: float) -> dict[str, float]:
        """The head's learning rate by the trunk's, under the beginning of the head's names.

        Args:
            learning_rate: the trunk's, at its peak.
        """
        return {} if self.head_rate is None else {"encoder.head.": self.head_rate / learning_rate}

    def describe(self) -> dict[str, Any]:
        """What tells one start from another, in plain values."""
        return {"trunk": weights_digest(self.encoder), "head_rate": self.head_rate}
