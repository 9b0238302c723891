"""What is kept of the training of linear classifiers, so that a killed one continues."""

from dataclasses import dataclass
from pathlib import Path

from causal_ssl import files
from causal_ssl.analysis._linear_heads import Heads
from causal_ssl.errors import InputError


@dataclass(frozen=True)
class State:
    """The file of a training that is continued, bit for bit on a CPU, where it stopped.

    Attributes:
        path: None: there is none.
        digest: of what is trained on what; of features the caller knows.
    """

    path: Path | None
    digest: str

    def save(self, blocks: list[Heads], epochs: int) -> None:
        """Keep what so many epochs made of them."""
        if self.path is not None:
            states = [heads.state() for heads in blocks]
            files.save_tensors(
                self.path, {"digest": self.digest, "epochs": epochs, "blocks": states}
            )

    def load(self, blocks: list[Heads]) -> int:
        """Make of them what was kept; how many epochs that took.

        Raises:
            InputError: the file is damaged or another training's.
        """
        if self.path is None or not self.path.exists():
            return 0
        what, remedy = "a training of linear classifiers", "remove it, and it begins anew"
        found = files.load_tensors(self.path, what=what, remedy=remedy)
        if found.get("digest") != self.digest:
            raise InputError(f"{self.path} is {what}, but of other settings or samples: {remedy}")
        try:
            for heads, state in zip(blocks, found["blocks"], strict=True):
                heads.load(state)
            return int(found["epochs"])
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{self.path} is {what} that does not fit ({error}): {remedy}"
            ) from error
