"""Is there room on the disk? Asked before long work, and answered in one line when it runs out."""

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from causal_ssl.errors import InputError

MARGIN = 1.1
"""What is asked for beyond the estimate, which rests on a few images."""
FULL = (errno.ENOSPC, errno.EDQUOT)


class Stopped(RuntimeError):
    """Work ended early for a reason that lies outside of it; what is finished is kept."""


def bytes_of_files(sizes: Sequence[int], folder: Path) -> float:
    """Mean bytes on the disk of files of these sizes: disks hand out whole blocks.

    Examples:
        >>> bytes_of_files([1, 5000], Path(".")) >= 2500
        True
    """
    block = os.statvfs(_existing(folder)).f_frsize
    return sum(-(-size // block) * block for size in sizes) / len(sizes)


def require(needed: float, folder: Path) -> None:
    """Refuse to begin what will not fit.

    Args:
        needed: bytes, estimated.
        folder: where they go; it need not exist yet.

    Raises:
        InputError: fewer bytes are free than needed and a tenth.
    """
    free = shutil.disk_usage(_existing(folder)).free
    if free < needed * MARGIN:
        raise InputError(
            f"{folder} has {shown(free)} free, about {shown(needed * MARGIN)} are needed: free "
            "some, name a folder on another disk, or ask for fewer or smaller images"
        )


@contextmanager
def running_out(folder: Path) -> Iterator[None]:
    """Turn a full disk into one clear error.

    Raises:
        Stopped: the disk, or the user's share of it, is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise Stopped(
            f"the disk of {folder} is full ({error.strerror}): free some space"
        ) from error


def shown(count: float) -> str:
    """Bytes for people.

    Examples:
        >>> shown(3_000_000), shown(250 * 2**30)
        ('2.9 MiB', '250.0 GiB')
    """
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    return next(each for each in (folder, *folder.parents) if each.exists())
