"""What a result was computed with: versions, device, revision. No host name, no paths."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "causal-ssl",
    "torch",
    "torchvision",
    "pyro-ppl",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "matplotlib",
)


def environment(device: str) -> dict[str, Any]:
    """The facts recorded beside a run's results.

    Args:
        device: "cpu" or "cuda", resolved.

    Returns:
        python, platform, packages (name to version), device, processor, cores and, in a git
        checkout, git_revision and git_modified.
    """
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: found for name in PACKAGES if (found := version(name))},
        "device": device,
        "processor": gpu() if device == "cuda" else processor(),
        "cores": os.cpu_count(),
        **revision(),
    }


def version(package: str) -> str | None:
    """Installed version of a distribution, None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """The CPU's model name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def gpu() -> str:
    """The first CUDA device's model name."""
    import torch

    return torch.cuda.get_device_name(0)


def revision() -> dict[str, Any]:
    """Revision of the checkout that the package is imported from; empty for an installed one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return {}
    head = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {} if head is None else {"git_revision": head, "git_modified": bool(changes)}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def changed_versions(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Packages whose version differs between two environments, as "torch 2.13.0 -> 2.14.1"."""
    before, after = then.get("packages", {}), now["packages"]
    return [
        f"{name} {before.get(name)} -> {found}"
        for name, found in after.items()
        if before.get(name) != found
    ]
