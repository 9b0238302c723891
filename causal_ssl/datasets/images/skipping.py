"""Images that are left out because they cannot be decoded: a list, fixed before training.

ROOT/unreadable.txt has a line an image, its path from ROOT, a tab, and the reason. `check` finds
and writes them. So the samples of a run are known when it begins, the same in every worker process
and when the run is resumed, and nobody loses an image without having been told.
"""

from pathlib import Path

from causal_ssl import files
from causal_ssl.errors import InputError

FILE = "unreadable.txt"


def write_unreadable(path: Path, found: dict[str, str]) -> None:
    """Write the list: path from the data set's root -> reason."""
    lines = (f"{name}\t{' '.join(reason.split())}\n" for name, reason in sorted(found.items()))
    files.write(path, "".join(lines).encode(errors="surrogateescape"))


def names_to_skip(root: Path, folder: Path, on_corrupt: str | Path) -> frozenset[str]:
    """Names of the images below `folder` that are to be left out, "CLASS/file".

    Args:
        root: of the data set, from which the list's paths go.
        folder: of class folders, the root or below it.
        on_corrupt: "error": none; "skip": those of ROOT/unreadable.txt; or the path of a list.

    Raises:
        InputError: the list is missing.
    """
    if str(on_corrupt) == "error":
        return frozenset()
    path = root / FILE if str(on_corrupt) == "skip" else Path(on_corrupt)
    try:
        text = path.read_text(errors="surrogateescape")
    except OSError as error:
        raise InputError(
            f"the list of unreadable images {path} cannot be read ({error.strerror}): "
            f"`causal-ssl data check {root}` writes one"
        ) from error
    start = "" if folder == root else f"{folder.relative_to(root).as_posix()}/"
    names = (line.partition("\t")[0] for line in text.splitlines())
    return frozenset(name.removeprefix(start) for name in names if name.startswith(start))
