"""The manifest of a set: what it is, what made it, and the hash of every part.

settings         what was asked; a set is continued only with the same
counterfactuals  change -> what it draws anew and how often; more may be added later
model, scene     the latents' law with its graph and parameters; the scene's numbers
counts           split -> class -> images
versions         of packages; an entry for each time that they changed while it was rendered
renderers        the backends that drew it, with driver and device
shards           album -> SHA-256 of the pixels of each so many (settings.shard) of its images
"""

import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from causal_ssl import files
from causal_ssl.datasets.causal3dident.drawing import Studio
from causal_ssl.datasets.causal3dident.latents import CLASSES, RawLatents
from causal_ssl.datasets.causal3dident.layout import Album
from causal_ssl.datasets.causal3dident.recipe import Recipe, transformation_record
from causal_ssl.datasets.causal3dident.shards import IMAGES
from causal_ssl.errors import InputError

FILE = "manifest.json"
PACKAGES = ("causal-ssl", "numpy", "pillow", "scipy", "torch")
MUST_AGREE = ("settings", "counterfactuals", "model", "scene")
DIFFERENCES_SHOWN = 5

Manifest = dict[str, Any]
Albums = list[tuple[Album, RawLatents]]


def asked(recipe: Recipe, studio: Studio, albums: Albums) -> Manifest:
    """The manifest of a set that nothing is drawn of yet.

    Args:
        recipe: of its scenes.
        studio: draws it, with a backend's name.
        albums: those of the recipe.
    """
    settings = studio.settings
    changes = {
        each.change: transformation_record(each, recipe) | {"latents": _digest(albums, each.change)}
        for each in recipe.transformations
    }
    counts: dict[str, dict[str, int]] = {}
    for album, _ in albums:
        counts.setdefault(album.split, {})[CLASSES[album.index]] = album.rows
    manifest = {
        "settings": {
            **recipe.record(),
            "size": settings.size,
            "backend": studio.backend,
            **({"samples": settings.samples} if studio.backend == "cycles" else {}),
            **studio.record(),
            "shard": IMAGES,
            "latents": _digest(albums, ""),
        },
        "counterfactuals": changes,
        "model": recipe.model.record(),
        "scene": asdict(settings.scene),
        "counts": counts,
        "versions": [versions()],
        "renderers": [],
        "shards": {},
    }
    return json.loads(json.dumps(manifest))  # as it will be read again: tuples are lists there


def load(root: Path) -> Manifest | None:
    """The manifest of the set at `root`; None where there is none.

    Raises:
        InputError: the file is no manifest.
    """
    path = root / FILE
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): name another folder") from error
    if not isinstance(found, dict) or not {*MUST_AGREE, "shards"} <= set(found):
        raise InputError(f"{path} is not the manifest of a rendered set: name another folder")
    return found


def save(root: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest of the set at `root`."""
    files.write(root / FILE, json.dumps(manifest, indent=1) + "\n")


def merged(root: Path, there: Manifest, asked: Manifest) -> Manifest:
    """The manifest of a set that is continued, perhaps with counterfactuals of further changes.

    Raises:
        InputError: the set was made with other settings; names each that differs.
    """
    common = set(there["counterfactuals"]) & set(asked["counterfactuals"])
    before, now = (dict(_comparable(each, common)) for each in (there, asked))
    if differing := [key for key in now | before if now.get(key) != before.get(key)]:
        listed = [f"{key}: {before.get(key)} there, {now.get(key)} asked" for key in differing]
        shown = "; ".join(listed[:DIFFERENCES_SHOWN])
        more = len(listed) - DIFFERENCES_SHOWN
        raise InputError(
            f"{root} holds a set with other settings ({shown}"
            f"{f'; and {more} more' if more > 0 else ''}): repeat its options to continue it, or "
            f"name another folder{_other_versions(there)}"
        )
    changes = there["counterfactuals"] | asked["counterfactuals"]
    versions = there["versions"]
    if versions[-1] != asked["versions"][0]:
        versions = [*versions, *asked["versions"]]
    return there | {"counterfactuals": dict(sorted(changes.items())), "versions": versions}


def versions() -> dict[str, str]:
    """Of Python and of the packages that latents and files depend on."""
    found = {package: metadata.version(package) for package in PACKAGES}
    return {"python": platform.python_version(), **found}


def _other_versions(there: Manifest) -> str:
    now, then = versions(), there["versions"][-1]
    changed = [f"{name} {then.get(name)}" for name in now if then.get(name) != now[name]]
    return f" (it was made with {', '.join(changed)})" if changed else ""


def _digest(albums: Albums, change: str) -> str:
    total = sha256()
    for album, raw in albums:
        if album.change == change:
            total.update(raw.tobytes())
    return total.hexdigest()


def _comparable(manifest: Manifest, changes: set[str]) -> Iterator[tuple[str, Any]]:
    chosen = {name: manifest["counterfactuals"][name] for name in sorted(changes)}
    for part in MUST_AGREE:
        yield from _flat(chosen if part == "counterfactuals" else manifest[part], f"{part}.")


def _flat(nested: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
