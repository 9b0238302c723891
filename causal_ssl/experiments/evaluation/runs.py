"""The directory of an evaluation, and what is in it at the end.

DIR/config.yaml, environment.json   what was asked, and what it was computed with
DIR/inputs.json                     digests of the encoder and of the images
DIR/features/                       what the encoder makes of the images, unless --features names
                                    another folder, which evaluations may share
DIR/table.csv                       a row a number, with its interval

Called again after an interruption it continues.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import pandas as pd
from rich.console import Console

from causal_ssl.analysis.masked_accuracy import Accuracy, AccuracyGap, accuracy
from causal_ssl.datasets.images.subsets import lists_classes
from causal_ssl.datasets.space import running_out
from causal_ssl.errors import InputError
from causal_ssl.experiments import environment, options
from causal_ssl.experiments.evaluation.config import ELSEWHERE, Evaluation, OnFeatures, OnSplits
from causal_ssl.experiments.evaluation.encoders import Subject
from causal_ssl.experiments.evaluation.features import Floats, kept_features
from causal_ssl.experiments.evaluation.images import Shown, Split, open_split
from causal_ssl.experiments.run_directory import RunDirectory, refuse_file
from causal_ssl.experiments.watching import watching

if TYPE_CHECKING:
    from causal_ssl.experiments.page import Drawn  # draws, which most evaluations do not

INPUTS, ENVIRONMENT = "inputs.json", "environment.json"
COLUMNS = (
    *("study", "setting", "method", "seed", "metric", "variable", "value"),
    *("low", "high", "n", "reference", "source", "note"),
)
Row = dict[str, Any]
Asked = TypeVar("Asked", bound=Evaluation)
AskedOnFeatures = TypeVar("AskedOnFeatures", bound=OnFeatures)


@dataclass(frozen=True, eq=False)
class Run(Generic[Asked]):
    """An evaluation, under way in its directory.

    Attributes:
        asked: the options.
        subject: the encoder.
        directory: the run's.
        console: where to say what happens.
    """

    asked: Asked
    subject: Subject
    directory: RunDirectory
    console: Console

    def features(self: "Run[AskedOnFeatures]", shown: Shown) -> Floats:
        """The representation of images, kept in `features_folder`; (n, width)."""
        with watching(self.console) as watcher:
            return kept_features(
                self.subject,
                shown,
                self.features_folder(),
                at_once=self.asked.at_once,
                workers=self.asked.workers,
                watcher=watcher,
            )

    def features_folder(self: "Run[AskedOnFeatures]") -> Path:
        """Where features are kept: the run's own folder, or that which evaluations share."""
        return features_folder(self.asked, self.directory)

    def write_table(
        self, rows: Sequence[Mapping[str, Any]], *, more: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Write the rows as table.csv; columns that they lack are empty or the run's.

        Args:
            rows: column -> value.
            more: columns of this evaluation alone, after the common ones.
        """
        common = {"study": study_name(self.asked), "method": self.subject.source}
        table = pd.DataFrame([common | dict(row) for row in rows], columns=[*COLUMNS, *more])
        table = table.astype({"n": "Int64"})  # whole, where some rows have none
        self.directory.write("table.csv", table.to_csv(index=False))
        return table

    def environment(self) -> dict[str, Any]:
        """What it is computed with, as environment.json has it."""
        found: dict[str, Any] = json.loads((self.directory / ENVIRONMENT).read_text())
        return found

    def write_report(self, drawn: "Drawn") -> None:
        """Write report.html, and its figures as files."""
        for name, png in drawn.pictures.items():
            self.directory.write(f"figures/{name}.png", png)
        self.directory.write("report.html", drawn.html)

    def say(self, *lines: str) -> None:
        """Something for people."""
        for line in lines:
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def check(asked: Evaluation, out: Path | str) -> None:
    """Refuse, before an encoder is read and images are listed, what options and paths tell.

    Args:
        asked: the options.
        out: the run's directory.

    Raises:
        InputError: the directory cannot be this run's, or that of features is a file; the list of
            training images cannot be read.
    """
    RunDirectory(out).check(study_name(asked), identity(asked))
    if isinstance(asked, OnFeatures) and asked.features:
        refuse_file("--features", Path(asked.features))
    if isinstance(asked, OnSplits) and asked.subset:
        lists_classes(asked.subset, ())  # reads it


def open_splits(asked: OnSplits, console: Console) -> tuple[Split, Split]:
    """Training and validation images, with one numbering of classes.

    Raises:
        InputError: see `open_split`; training images of a single class.
    """
    with watching(console) as watcher:
        train = open_split(asked, "train", watcher=watcher)
        val = open_split(asked, "val", classes=train.classes, watcher=watcher)
    present = np.unique(train.labels)
    if len(present) < 2:
        where = asked.subset or asked.data_root
        raise InputError(
            f"{where} has training images of one class, {train.classes[present[0]]!r}: there is "
            "nothing to tell apart; add images of another class"
        )
    for split in (train, val):
        say_skipped(split, console)
    return train, val


def say_skipped(split: Split, console: Console) -> None:
    """How many images are left out, if any."""
    if skipped := len(split.images.skipped):
        images = "1 unreadable image" if skipped == 1 else f"{skipped:,} unreadable images"
        console.print(f"{images} of {split.name} left out")


def require_neighbours(k: int, train: Split) -> None:
    """As many training images as are to vote.

    Raises:
        InputError: there are fewer.
    """
    if k > len(train):
        raise InputError(f"k = {k} neighbours among {len(train):,} training images: lower k")


@contextmanager
def run_of(
    asked: Asked, out: Path | str, subject: Subject, digests: Mapping[str, str], console: Console
) -> Iterator[Run[Asked]]:
    """The directory is this evaluation's, of this encoder and what else it is given.

    Args:
        asked: the options.
        out: the directory.
        subject: the encoder.
        digests: what it is given -> digest: {"val images": ...}.
        console: where to say what happens.

    Raises:
        InputError: it is another's, or in use.
        Stopped: the disk is full.
    """
    directory, values = RunDirectory(out), identity(asked)
    inputs = {"encoder": subject.digest, **digests}
    directory.check(study_name(asked), values)
    _require_same(directory, inputs, asked)
    with directory.claim(study_name(asked), values), running_out(directory.path):
        directory.write(INPUTS, json.dumps(inputs, indent=2) + "\n")
        facts = environment.environment(subject.encoder.mean.device.type)
        directory.write(ENVIRONMENT, json.dumps(facts, indent=2) + "\n")
        yield Run(asked, subject, directory, console)


def features_folder(asked: OnFeatures, directory: RunDirectory) -> Path:
    """Where features are kept: the run's own folder, or that which evaluations share."""
    return Path(asked.features) if asked.features else directory / "features"


def identity(asked: Evaluation) -> dict[str, Any]:
    """The options that make it this evaluation: those of a run's config."""
    values = options.to_dict(asked)
    return {key: value for key, value in values.items() if key not in ELSEWHERE}


def digests_of(splits: Iterable[Split]) -> dict[str, str]:
    """Of their images."""
    return {f"{split.name} images": split.digest() for split in splits}


def study_name(asked: Evaluation) -> str:
    """As tables, configs and the folders of presets have it."""
    return f"evaluation-{asked.name}"


def share(metric: str, value: float, n: int, **where: Any) -> Row:
    """A row of the table for a share of n images, with Wilson's interval at 95 %.

    Examples:
        >>> row = share("knn_top1", 0.8, 10)
        >>> round(row["low"], 3), round(row["high"], 3)
        (0.49, 0.943)
    """
    found = accuracy(np.arange(n) < round(value * n))
    return {"metric": metric, **interval(found), "value": value, "n": n, **where}


def interval(found: Accuracy | AccuracyGap) -> Row:
    """Its value, and the ends of its interval."""
    return {"value": found.value, "low": found.low, "high": found.high}


def remarks(edge: str | None, *, diverged: int, n: int) -> Iterator[str]:
    """What to know of a choice among trainings, for people.

    Args:
        edge: whether its rate is the "lowest" or the "highest" of several; None: neither.
        diverged: how many trainings did.
        n: how many there were.
    """
    if edge:
        yield f"the rate chosen is the {edge} of --rates: a better one may lie beyond, give more"
    if diverged:
        yield f"{diverged} of {n} trainings diverged"


def percent(row: Mapping[str, Any]) -> str:
    """A share with its interval.

    Examples:
        >>> percent({"value": 0.8, "low": 0.49, "high": 0.943})
        '80.0 % [49.0, 94.3]'
    """
    value, low, high = (100 * row[name] for name in ("value", "low", "high"))
    return f"{value:.1f} % [{low:.1f}, {high:.1f}]"


def _require_same(directory: RunDirectory, inputs: Mapping[str, str], asked: Evaluation) -> None:
    if not (directory / INPUTS).exists():
        return
    found = json.loads((directory / INPUTS).read_text())
    names = dict.fromkeys([*inputs, *found])
    differing = [name for name in names if found.get(name) != inputs.get(name)]
    if not differing:
        return
    why = keep = ""
    if isinstance(asked, OnSplits) and asked.on_corrupt == "skip" and "encoder" not in differing:
        why = " (images that --on-corrupt skip leaves out are none of them)"
        if isinstance(asked, OnFeatures):
            folder = features_folder(asked, directory)
            keep = f", and --features {folder} to keep what is computed"
    raise InputError(
        f"{directory.path} holds an evaluation of another {' and '.join(differing)}{why}: name "
        f"another --out{keep}"
    )
