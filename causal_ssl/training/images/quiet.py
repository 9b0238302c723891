"""Lightning's remarks that do not apply here, each for a reason; all its others are shown."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_WARNINGS = (
    "You're resuming from a checkpoint that ended before",  # `Items` starts where it ended
    r"The '\w+' does not have many workers",  # the data time is measured and logged
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # between Lightning and torch
    "Checkpoint directory .* exists and is not empty",  # that of the run to continue
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """No lists of devices and no tips of the day inside the block, and not the warnings above."""
    logger = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in _WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        logger.setLevel(before)
