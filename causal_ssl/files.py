"""Files that are at every moment absent, their old self, or whole: a kill leaves no half of one."""

import glob
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from causal_ssl.errors import InputError

PARTIAL = ".partial-"
"""How the names of files begin that are being written, or were when their writer was killed."""


def write(path: Path, content: str | bytes) -> None:
    """Write a file: under a name of its own, flushed to the disk, then renamed.

    Processes may write the same file at the same time: the last one to finish wins.

    Args:
        path: parent folders are made.
        content: text is written as UTF-8.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(Path(folder) / "new" / "table.csv", "a,b")
        ...     (Path(folder) / "new" / "table.csv").read_text()
        'a,b'
    """
    with _replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def save_tensors(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors, numbers, strings, and lists and dicts of them, as `write` does.

    Raises:
        OSError: what the disk said, when it is full.
    """
    import torch  # seconds, which processes that only write files should not spend

    with _replacing(path) as file:
        try:
            torch.save(dict(state), file)
        except RuntimeError as error:
            # torch goes on to close its archive, and reports that this failed.
            first = error.__context__
            if isinstance(first, OSError):
                raise OSError(first.errno, first.strerror, str(path)) from error
            raise


def load_tensors(path: Path, *, what: str, remedy: str) -> dict[str, Any]:
    """Read what `save_tensors` wrote, onto the CPU; nothing in the file is executed.

    Args:
        path: the file.
        what: is expected in it, for the error: "a checkpoint".
        remedy: what to do if it is something else.

    Raises:
        InputError: the file can not be opened, is damaged, or holds something else.
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"cannot load {path}: {error.strerror or error}") from error
    except Exception as error:  # on foreign bytes the unpickler raises whatever it runs into
        kind = type(error).__name__
        raise InputError(f"cannot load {path}: not {what} ({kind}): {remedy}") from error
    if not isinstance(state, dict):
        kind = type(state).__name__
        raise InputError(f"cannot load {path}: it holds a {kind}, not {what}: {remedy}")
    return state


def sweep(path: Path) -> None:
    """Remove what killed writers of the file left. Only where no other process writes it now."""
    for leftover in path.parent.glob(f"{PARTIAL}{glob.escape(path.name)}-*"):
        leftover.unlink(missing_ok=True)


def sweep_folder(folder: Path) -> None:
    """The same for all files in a folder and below it."""
    for leftover in folder.rglob(f"{PARTIAL}*"):
        leftover.unlink(missing_ok=True)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{PARTIAL}{path.name}-{secrets.token_hex(4)}")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    # The rename itself reaches the disk with the folder, where the system lets a folder be opened.
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
