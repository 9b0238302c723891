"""What is built is what is here: one package, whole, claiming no other import name."""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINKS = ("datasets", "experiments", "analysis")


def package_files(root: Path) -> set[str]:
    """Every file of the package under `root`, relative to it."""
    return {
        path.relative_to(root).as_posix()
        for path in (root / "causal_ssl").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An sdist of a copy of the source, and the wheel built from that sdist."""
    source = tmp_path_factory.mktemp("source") / "causal-ssl"
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "runs", "build", "dist", "*.egg-info")
    shutil.copytree(ROOT, source, symlinks=True, ignore=unwanted)
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


def test_the_links_at_the_top_are_relative_and_point_into_the_package() -> None:
    for name in LINKS:
        assert (ROOT / name).readlink().as_posix() == f"causal_ssl/{name}"


def test_sdist_holds_the_package_once(distributions: tuple[Path, Path]) -> None:
    with tarfile.open(distributions[0]) as archive:
        paths = [PurePosixPath(*PurePosixPath(m.name).parts[1:]) for m in archive if m.isfile()]
    names = [path.as_posix() for path in paths]
    assert {name for name in names if name.startswith("causal_ssl/")} == package_files(ROOT)
    assert not [name for name in names if name.split("/")[0] in LINKS]


def test_wheel_from_the_sdist_holds_the_package_and_nothing_else(
    distributions: tuple[Path, Path],
) -> None:
    with zipfile.ZipFile(distributions[1]) as archive:
        names = {n for n in archive.namelist() if not n.endswith("/")}
    assert {name for name in names if ".dist-info/" not in name} == package_files(ROOT)


def test_an_installed_wheel_has_the_command_and_claims_no_other_name(
    distributions: tuple[Path, Path], tmp_path: Path
) -> None:
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*install, str(distributions[1])], check=True)
    # The dependencies come from the surrounding environment: a plain path line adds its packages
    # but not its editable installs, so that causal_ssl can only be the wheel's.
    (site,) = (environment / "lib").glob("python3*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    command = [str(environment / "bin" / "causal-ssl"), "--help"]
    helped = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert helped.returncode == 0, helped.stderr
    assert "study" in helped.stdout

    where = "import causal_ssl; print(causal_ssl.__file__)"
    found = subprocess.run([str(python), "-c", where], capture_output=True, text=True, cwd=tmp_path)
    assert Path(found.stdout.strip()).is_relative_to(environment)
    for name in LINKS:
        claimed = subprocess.run(
            [str(python), "-c", f"import {name}"], capture_output=True, text=True, cwd=tmp_path
        )
        assert "ModuleNotFoundError" in claimed.stderr, f"something answers to import {name}"
