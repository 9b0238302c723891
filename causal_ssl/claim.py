"""One process at a time in a folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from causal_ssl.errors import InputError

LOCK = ".lock"


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder, which is made if missing.

    Raises:
        InputError: it cannot be made or written, or another process has it.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, claimed(Path(folder)):
        ...     with claimed(Path(folder)):
        ...         pass
        Traceback (most recent call last):
        ...
        causal_ssl.errors.InputError: /... is in use by another process: wait for it, ...
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("w")
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written ({error.strerror}): choose another folder"
        ) from error
    with file:
        # The kernel drops the lock with the process, however it ends. The file stays: unlinking it
        # would let two later processes lock two different files of that name.
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{folder} is in use by another process: wait for it, or name another folder"
            ) from None
        yield
