"""The checkpoints of a run: the last and the one before it, each whole or not there."""

from pathlib import Path

from causal_ssl import files
from causal_ssl.models.weights.runs import RUN, checkpoints_in, load

__all__ = ["KEPT", "RUN", "Checkpoints", "load"]

KEPT = 2
"""The last and, should the disk damage it, the one before."""


class Checkpoints:
    """The files step-N.ckpt of a folder, N optimiser steps done.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     saved = Checkpoints(Path(folder))
        ...     for step in (5, 10, 15):
        ...         files.write(saved.path(step), "")
        ...     saved.prune()
        ...     [path.name for path in saved.paths()]
        ['step-000000010.ckpt', 'step-000000015.ckpt']
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, step: int) -> Path:
        """Where the checkpoint after `step` steps is, or would be."""
        return self.folder / f"step-{step:09d}.ckpt"

    def paths(self) -> list[Path]:
        """The checkpoints that are there, the last one last."""
        return checkpoints_in(self.folder)

    def last(self) -> Path | None:
        """The last one, if there is any."""
        return next(reversed(self.paths()), None)

    def kept(self) -> str:
        """What an error says about the last one."""
        last = self.last()
        return f"The last good checkpoint is {last}" if last else "No checkpoint was kept"

    def prune(self) -> None:
        """Remove all but the last `KEPT`, and what killed writers left."""
        for path in self.paths()[:-KEPT]:
            path.unlink()
        files.sweep_folder(self.folder)
