"""What a set holds: how many scenes of which law, and which counterfactuals of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from causal_ssl.datasets.causal3dident.latents import CLASSES, LATENTS, Classes, RawLatents
from causal_ssl.datasets.causal3dident.layout import SPLITS, Album
from causal_ssl.datasets.causal3dident.model import LatentModel
from causal_ssl.datasets.causal3dident.views import LatentTransformation
from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.randomness import derived_seed, generator_for


@dataclass(frozen=True, eq=False)
class Recipe:
    """The scenes of a set, as a function of a seed.

    Each split, and each view of each change, is drawn as a whole: from (seed, split) and from
    (seed, split, change, view). So scenes depend neither on how work is cut nor on what other
    changes or how many other views are asked for.

    Attributes:
        model: the scenes' law.
        train: scenes of the training split.
        test: scenes of the test split.
        seed: see above.
        transformations: counterfactuals are made by each of these.
        views: counterfactuals of each scene and transformation, K.
        views_of: the splits that have them.

    Raises:
        InputError: no scenes at all, a negative number, a transformation that changes content or
            comes twice, or views without transformations.

    Examples:
        >>> from causal_ssl.datasets.causal3dident.presets import causal3dident
        >>> recipe = Recipe(causal3dident(), train=20, test=0)
        >>> [(album.name, len(album)) for album, _ in recipe.albums(Path("set"))][:2]
        [('trainset/images_0', 4), ('trainset/images_1', 3)]
    """

    model: LatentModel
    train: int
    test: int
    seed: int = 0
    transformations: tuple[LatentTransformation, ...] = ()
    views: int = 0
    views_of: tuple[str, ...] = SPLITS

    def __post_init__(self) -> None:
        for name in (*SPLITS, "views"):
            in_range(name, getattr(self, name), at_least=0)
        if self.train + self.test == 0:
            raise InputError("no images: ask for some with train or test")
        if bool(self.views) != bool(self.transformations):
            raise InputError(
                f"{self.views} counterfactuals of each of {len(self.transformations)} changes: "
                "name both their number and at least one change, or neither"
            )
        for split in self.views_of:
            one_of("split", split, SPLITS)
        names = [each.change for each in self.transformations]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"the change {twice[0]} is named more than once")
        for each in self.transformations:
            each.check(self.model)

    def size(self, split: str) -> int:
        """Scenes of a split."""
        return self.train if split == "train" else self.test

    @property
    def images(self) -> int:
        """Of all albums together."""
        return sum(
            self.size(split) * (1 + self.views * len(self.changed(split))) for split in SPLITS
        )

    def changed(self, split: str) -> tuple[LatentTransformation, ...]:
        """The transformations that counterfactuals of a split are made by."""
        return self.transformations if split in self.views_of else ()

    def albums(self, root: Path) -> Iterator[tuple[Album, RawLatents]]:
        """Every album of the set at `root`, with the latents of its images, (len(album), 10)."""
        for split in SPLITS:
            if n := self.size(split):
                yield from self._split(root, split, n)

    def _split(self, root: Path, split: str, n: int) -> Iterator[tuple[Album, RawLatents]]:
        world = self.model.sample(n, seed=derived_seed(self.seed, split))
        classes, raw = self.model.raw(world)
        yield from _by_class(root, split, classes, raw[:, None])
        for each in self.changed(split):
            views = np.empty((n, self.views, len(LATENTS)))
            for view in range(self.views):
                generator = generator_for(self.seed, split, each.change, view)
                counterfactual = each.view(self.model, world, generator=generator)
                _, views[:, view] = self.model.raw(counterfactual)
            yield from _by_class(root, split, classes, views, each.change)

    def record(self) -> dict[str, Any]:
        """For the manifest; transformations have records of their own."""
        return {"seed": self.seed, "train": self.train, "test": self.test}


def transformation_record(each: LatentTransformation, recipe: Recipe) -> dict[str, Any]:
    """What a set's counterfactuals of one change are, for the manifest."""
    some = {} if set(recipe.views_of) == set(SPLITS) else {"splits": list(recipe.views_of)}
    return {
        "views": recipe.views,
        **some,
        "variables": list(each.variables),
        "propagate": each.propagate,
        "alpha": each.redraw.alpha,
        "rate": each.redraw.rate,
    }


def _by_class(
    root: Path, split: str, classes: Classes, views: RawLatents, change: str = ""
) -> Iterator[tuple[Album, RawLatents]]:
    for index in range(len(CLASSES)):
        own = views[classes == index]
        album = Album(root, split, index, len(own), change, views.shape[1])
        yield album, own.reshape(-1, len(LATENTS))
