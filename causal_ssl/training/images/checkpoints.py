"""The checkpoints of a run: the last and the one before it, each whole or not there."""

from pathlib import Path
from typing import Any

from causal_ssl import files
from causal_ssl.errors import InputError

KEPT = 2
"""The last and, should the disk damage it, the one before."""

RUN = "causal_ssl"
"""The key of checkpoints and encoders' files under which stands what run they are of."""


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
        return sorted(self.folder.glob("step-*.ckpt"))

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


def load(path: Path, *, what: str, remedy: str) -> dict[str, Any]:
    """What a file of this trainer holds, onto the CPU; nothing in it is executed.

    Args:
        path: of a checkpoint, or of a trained encoder.
        what, remedy: see `files.load_tensors`.

    Raises:
        InputError: the file is damaged, or no file of this trainer.
    """
    state = files.load_tensors(path, what=what, remedy=remedy)
    if RUN not in state:
        raise InputError(f"cannot load {path}: not {what}: {remedy}")
    return state
