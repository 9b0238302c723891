"""The directory that one run owns: one config, one process at a time, nothing half-written.

DIR/config.yaml       the resolved config; another one is refused
DIR/environment.json  versions and device
DIR/cells/            one file a finished cell, so that a rerun continues
DIR/checkpoints/      training in progress
DIR/worlds/, encoders/ what was trained on, and what came of it
DIR/table.csv ...     the results
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from causal_ssl import files
from causal_ssl.claim import LOCK, claimed
from causal_ssl.errors import InputError
from causal_ssl.experiments import options

CONFIG = "config.yaml"


class RunDirectory:
    """One run's own directory.

    Args:
        path: may or may not exist yet.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = RunDirectory(Path(folder) / "x")
        ...     with run.claim("numerical", {"steps": 10}):
        ...         run.write("table.csv", "a,b")
        ...     run.config()
        {'study': 'numerical', 'steps': 10}
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def write(self, name: str, content: str | bytes) -> None:
        """Write one of the run's files, atomically."""
        files.write(self.path / name, content)

    def config(self) -> dict[str, Any]:
        """The run's config, with the study's name under "study".

        Raises:
            InputError: the directory holds no run.
        """
        file = self.path / CONFIG
        if not file.is_file():
            missing = (
                "there is no such directory" if not self.path.exists() else f"no {CONFIG} in it"
            )
            raise InputError(
                f"{self.path} is not a run directory ({missing}): start one with --out"
            )
        try:
            found = yaml.safe_load(file.read_text())
        except yaml.YAMLError as error:
            raise InputError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
        if not isinstance(found, dict) or "study" not in found:
            raise InputError(f"{file} is not the config of a run: it names no study")
        return found

    @contextmanager
    def claim(self, study: str, config: Mapping[str, Any]) -> Iterator[None]:
        """Make the directory this run's, or continue in it; no other process may do so meanwhile.

        Args:
            study: the study's name.
            config: plain nested values that identify the run.

        Raises:
            InputError: the path is a file, cannot be written, holds other things, holds a run of
                another study, or one with another config (every differing field is named), or is
                in use.
        """
        self.check(study, config)
        with claimed(self.path):
            if not (self.path / CONFIG).exists():
                text = yaml.safe_dump({"study": study, **config}, sort_keys=False)
                self.write(CONFIG, text)
            files.sweep_folder(self.path)  # other hidden files, such as journals, are work
            yield

    def check(self, study: str, config: Mapping[str, Any]) -> None:
        """Refuse what `claim` would refuse, without touching anything."""
        refuse_file("--out", self.path)
        if not self.path.exists():
            return
        if (self.path / CONFIG).exists():
            self._refuse_another(study, config)
            return
        known = (LOCK, files.PARTIAL)
        foreign = sorted(e.name for e in self.path.iterdir() if not e.name.startswith(known))
        if foreign:
            raise InputError(
                f"--out {self.path} holds files that are no run ({', '.join(foreign[:3])}"
                f"{', ...' if len(foreign) > 3 else ''}): name a new or empty directory"
            )

    def _refuse_another(self, study: str, config: Mapping[str, Any]) -> None:
        found = self.config()
        if (other := found.pop("study")) != study:
            raise InputError(f"{self.path} holds a run of {_command(other)}: name another --out")
        there, here = options.flatten(found), options.flatten(config)
        differing = [key for key in here | there if there.get(key) != here.get(key)]
        if differing:
            changes = "; ".join(
                f"{key}: {_shown(there.get(key))} there, {_shown(here.get(key))} asked"
                for key in differing
            )
            raise InputError(
                f"{self.path} holds a run with another config ({changes}):"
                " repeat its options to continue it, or name another --out"
            )


def refuse_file(option: str, folder: Path) -> None:
    """Refuse a folder to be written to that is a file, or that would be below one.

    Args:
        option: that names the folder, for the error.
        folder: may or may not exist yet.

    Raises:
        InputError: names the file.
    """
    if folder.is_file():
        raise InputError(f"{option} {folder} is a file: name a directory")
    if above := next((each for each in folder.parents if each.is_file()), None):
        raise InputError(f"{option} {folder}: {above} is a file: name another directory")


def _command(study: str) -> str:
    """What begins a run of that name, on the command line."""
    if study == "pretraining":
        return "pretrain"
    kind, _, name = study.partition("-")
    return f"evaluate {name}" if kind == "evaluation" else f"study {study}"


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
