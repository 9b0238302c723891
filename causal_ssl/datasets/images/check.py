"""What is wrong with a data set of images, found before a run of days does.

    report = check("imagenet")                 # decodes all; sample=10_000 some
    print(report)
    write_unreadable(Path("imagenet/unreadable.txt"), report.unreadable)

After which `open_images("imagenet", on_corrupt="skip")` leaves out those that cannot be decoded.
"""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import torch
from joblib import cpu_count

from causal_ssl.datasets.images.decoding import defect
from causal_ssl.datasets.images.layouts import parts_of
from causal_ssl.datasets.images.listing import some
from causal_ssl.datasets.watcher import Watcher
from causal_ssl.errors import in_range
from causal_ssl.randomness import generator_for

WNID = re.compile(r"n\d{8}")
"""A WordNet id, as ImageNet's class folders are named."""
IMAGENET = {"train": 1_281_167, "val": 50_000}
"""Images of ILSVRC 2012, in 1000 classes."""
PER = 64
"""Images a task."""
SHOWN = 20
"""Unreadable images that a report prints."""


@dataclass(frozen=True)
class Report:
    """What `check` found.

    Attributes:
        root: of the data set.
        layout: "class folders", "packed copies", "IDX files" or "Causal3DIdent".
        counts: split -> class -> images.
        decoded: images that were decoded, or tried.
        unreadable: path from the root -> why it cannot be decoded.
        problems: what is wrong besides, a line each.
        notes: what is good to know.
    """

    root: Path
    layout: str
    counts: dict[str, dict[str, int]]
    decoded: int
    unreadable: dict[str, str]
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Is nothing wrong?"""
        return not self.problems and not self.unreadable

    @property
    def images(self) -> int:
        """Of all splits."""
        return sum(sum(classes.values()) for classes in self.counts.values())

    def __str__(self) -> str:
        lines = [f"{self.root}: {self.layout}"]
        lines += [f"  {name:<7} {_sizes(classes)}" for name, classes in self.counts.items()]
        lines += [f"  {self.decoded:,} of {self.images:,} images read, {self._bad()}"]
        lines += [f"    {path}: {self.unreadable[path]}" for path in [*self.unreadable][:SHOWN]]
        if len(self.unreadable) > SHOWN:
            lines += [f"    and {len(self.unreadable) - SHOWN:,} more"]
        lines += [f"  wrong: {problem}" for problem in self.problems]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def _bad(self) -> str:
        return f"{len(self.unreadable):,} cannot be" if self.unreadable else "all can be"


def check(
    root: Path | str,
    *,
    sample: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    watcher: Watcher | None = None,
) -> Report:
    """Look at all of a data set: its folders and counts, and whether its images can be decoded.

    Args:
        root: its folder; any layout that `open_images` knows.
        sample: decode so many images, drawn at random, instead of all; 0 for none. Packed copies
            and IDX files are read whole.
        seed: of the draw.
        workers: threads; None is one a core.
        watcher: is told of folders listed and of images decoded.

    Raises:
        InputError: it has no layout that is known; sample is below 0.
    """
    if sample is not None:
        in_range("sample", sample, at_least=0)
    root, watcher = Path(root), watcher or Watcher()
    layout, parts, problems = parts_of(root, watcher)
    counts = {part.split: part.counts for part in parts}
    chosen = _chosen([name for part in parts for name in part.names], sample, seed)
    unreadable = _defects(root, chosen, workers, watcher)
    decoded = len(chosen) + sum(part.read for part in parts)
    wrong, notes = _as_imagenet(counts)
    return Report(root, layout, counts, decoded, unreadable, problems + wrong, notes)


def _as_imagenet(counts: dict[str, dict[str, int]]) -> tuple[list[str], list[str]]:
    """Problems and notes of what looks like ImageNet: most of its classes are WordNet ids."""
    problems, notes = [], []
    for name, classes in counts.items():
        ids = [each for each in classes if WNID.fullmatch(each)]
        if 2 * len(ids) <= len(classes) or name not in IMAGENET:
            continue
        if others := sorted(set(classes) - set(ids)):
            problems.append(f"{name} has folders that are no WordNet ids: {some(others)}")
        total = sum(classes.values())
        whole = (len(ids), total) == (1000, IMAGENET[name])
        notes.append(
            f"{name} looks like {'all' if whole else 'a part'} of ImageNet: {len(ids):,} of 1,000 "
            f"classes, {total:,} of {IMAGENET[name]:,} images"
        )
    return problems, notes


def _chosen(names: list[str], sample: int | None, seed: int) -> list[str]:
    if sample is None or sample >= len(names):
        return names
    order = torch.randperm(len(names), generator=generator_for(seed, "check"))
    return [names[index] for index in sorted(order[:sample].tolist())]


def _defects(
    root: Path, names: Sequence[str], workers: int | None, watcher: Watcher
) -> dict[str, str]:
    watcher.begin("decoding", len(names), 0)
    found: dict[str, str] = {}
    with ThreadPoolExecutor(workers or cpu_count()) as pool:  # decoding releases the GIL
        futures = {
            pool.submit(_defects_of, root, names[start : start + PER]): start
            for start in range(0, len(names), PER)
        }
        try:
            for future in as_completed(futures):
                found |= future.result()
                watcher.advance(min(PER, len(names) - futures[future]))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return dict(sorted(found.items()))


def _defects_of(root: Path, names: Sequence[str]) -> dict[str, str]:
    reasons = {name: defect(root / name) for name in names}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _sizes(classes: dict[str, int]) -> str:
    if not classes:
        return "no classes"
    fewest, most = min(classes.values()), max(classes.values())
    each = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
    return f"{sum(classes.values()):>9,} images, {len(classes):,} classes of {each}"
