"""A store holds each image once, as it was drawn, whatever interrupted it; or it is refused."""

import errno
import os
import signal
import subprocess
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from causal_ssl.datasets import space, store
from causal_ssl.datasets.space import Stopped
from causal_ssl.errors import InputError

SHAPE = (23, 4, 4, 3)
ARRAY = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)


def copied(numbers: range, into: np.ndarray) -> list[int]:
    into[:] = ARRAY[numbers.start : numbers.stop]
    return list(numbers)


def filled(
    folder: Path, draw: store.Draw = copied, *, origin: str = "a", **changed: object
) -> Path:
    store.fill(folder, SHAPE, origin, draw, per=5, title="test", workers=1, **changed)
    return folder


def test_it_holds_what_was_drawn(tmp_path: Path) -> None:
    folder = filled(tmp_path / "store", finish=lambda made: {"all": [*chain(*made)]})
    array, manifest = store.mapped(folder, remedy="none", origin="a")
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable
    np.testing.assert_array_equal(array, ARRAY)
    assert manifest["all"] == list(range(23))
    assert store.damaged(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == ["images.npy", "manifest.json"]


KILLED = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
from causal_ssl.datasets import store

journal = Path(sys.argv[1]) / ".journal"

def draw(numbers, into):
    into[:] = 1 + numbers.start
    if numbers.start == 10:
        while len(journal.read_text().splitlines()) < 3:  # begun, 0, 5
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)

store.fill(Path(sys.argv[1]), (23, 4, 4, 3), "a", draw, per=5, title="t", workers=1)
"""


def test_killed_it_continues_and_does_nothing_twice(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "store")], timeout=120)
    assert ended.returncode == -signal.SIGKILL
    with pytest.raises(InputError, match=r"images.npy is missing: pack it"):
        store.mapped(tmp_path / "store", remedy="pack it")
    seen: list[int] = []

    def draw(numbers: range, into: np.ndarray) -> None:
        seen.append(numbers.start)
        into[:] = 1 + numbers.start

    filled(tmp_path / "store", draw)
    assert seen == [10, 15, 20]
    array, _ = store.mapped(tmp_path / "store", remedy="none")
    assert array[:, 0, 0, 0].tolist() == [1 + 5 * (row // 5) for row in range(23)]
    assert store.damaged(tmp_path / "store") == []


def test_what_was_begun_from_other_images_is_begun_anew(tmp_path: Path) -> None:
    def interrupted(numbers: range, into: np.ndarray) -> None:
        into[:] = 0
        if numbers.start == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filled(tmp_path, interrupted, origin="a")
    filled(tmp_path, origin="b")
    np.testing.assert_array_equal(store.mapped(tmp_path, remedy="none", origin="b")[0], ARRAY)


def test_a_full_disk_is_one_error_and_then_it_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        with pytest.raises(Stopped, match="is full"):
            filled(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(space, "MARGIN", 1e30)
        with pytest.raises(InputError, match=r"free, about .* are needed"):
            filled(tmp_path / "other")
    filled(tmp_path)
    np.testing.assert_array_equal(store.mapped(tmp_path, remedy="none")[0], ARRAY)


def rewritten(path: Path, content: bytes) -> None:
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: rewritten(f / "images.npy", (f / "images.npy").read_bytes()[:-1]), "is damaged"),
        (lambda f: rewritten(f / "images.npy", (f / "images.npy").read_bytes() + b"0"), "1,233 by"),
        (lambda f: rewritten(f / "images.npy", b"x"), "is damaged"),
        (lambda f: np.save(f / "images.npy", ARRAY[:5]), r"shape \(5, 4, 4, 3\).*\(23, 4, 4, 3\)"),
        (lambda f: np.save(f / "images.npy", ARRAY.astype(float)), "float64"),
        (lambda f: (f / "images.npy").unlink(), "is missing: do this"),
        (lambda f: (f / "manifest.json").unlink(), "has no manifest.json beside it"),
        (lambda f: rewritten(f / "manifest.json", b"{"), "is damaged"),
        (lambda f: rewritten(f / "manifest.json", b"[]"), "is damaged"),
    ],
    ids=["cut", "longer", "junk", "rows", "type", "missing", "no manifest", "json", "list"],
)
def test_a_damaged_store_is_refused(tmp_path: Path, damage: object, says: str) -> None:
    damage(filled(tmp_path))
    with pytest.raises(InputError, match=says):
        store.mapped(tmp_path, remedy="do this")


def test_a_stale_store_is_refused(tmp_path: Path) -> None:
    filled(tmp_path)
    with pytest.raises(InputError, match=r"is stale: .* delete .* and pack anew"):
        store.mapped(tmp_path, remedy="none", origin="b")


def test_changed_bytes_are_found_by_reading(tmp_path: Path) -> None:
    array = np.load(filled(tmp_path) / "images.npy", mmap_mode="r+")
    array[22, 0, 0, 0] ^= 1
    array.flush()
    assert store.damaged(tmp_path) == [range(20, 23)]
