"""Files are whole or not there, hold no code, and errors say which file and what to do."""

import errno
import io
import os
from pathlib import Path

import pytest
import torch
from torch import nn

from causal_ssl import files
from causal_ssl.errors import InputError


def load(path: Path) -> dict:
    return files.load_tensors(path, what="a checkpoint", remedy="delete it")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("content", ["Kügelgen\n", b"\x00\xff"])
def test_what_is_written_is_read_and_nothing_else_is_left(
    tmp_path: Path, content: str | bytes
) -> None:
    path = tmp_path / "a" / "b" / "x"
    files.write(path, "longer than the new content")
    files.write(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert names(path.parent) == ["x"]


def test_everyone_may_read_it_whom_the_process_lets(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    files.write(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_tensors_come_back_exactly(tmp_path: Path) -> None:
    state = {"step": 3, "values": [1.5, None], "tensor": torch.randn(4).double()}
    files.save_tensors(tmp_path / "new" / "state.pt", state)
    loaded = load(tmp_path / "new" / "state.pt")
    assert torch.equal(loaded.pop("tensor"), state.pop("tensor"))
    assert loaded == state


def test_a_failed_write_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.pt"
    files.save_tensors(path, {"step": 1})
    with pytest.raises(Exception, match="pickle"):
        files.save_tensors(path, {"step": 2, "code": lambda: None})

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        files.write(path, "new")
    assert load(path) == {"step": 1}
    assert names(tmp_path) == ["state.pt"]


def test_the_file_is_flushed_before_it_is_renamed_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, order = tmp_path / "x", []

    def fsync(descriptor: int) -> None:
        order.append((Path(f"/proc/self/fd/{descriptor}").resolve().name, path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    files.write(path, "new")
    (flushed, before), folder = order
    assert flushed.startswith(files.PARTIAL)
    assert not before
    assert folder == (tmp_path.name, True)


def test_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with files._replacing(path) as one, files._replacing(path) as other:
        one.write(b"one")
        other.write(b"other")
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["x"]


def test_only_leftovers_of_that_file_are_swept(tmp_path: Path) -> None:
    for name in ("run[1].pt", ".partial-run[1].pt-0a", ".partial-run1.pt-0a", ".lock"):
        (tmp_path / name).write_text("half")
    files.sweep(tmp_path / "run[1].pt")
    assert names(tmp_path) == [".lock", ".partial-run1.pt-0a", "run[1].pt"]


@pytest.mark.parametrize("damage", [b"", b"half a file", None])
def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "run.pt"
    files.save_tensors(path, {"step": 1, "x": torch.zeros(100)})
    path.write_bytes(path.read_bytes()[:300] if damage is None else damage)
    with pytest.raises(InputError, match=r"run\.pt: not a checkpoint \(\w+\): delete it"):
        load(path)


def test_code_is_not_run(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "run.pt")
    with pytest.raises(InputError, match=r"run\.pt: not a checkpoint"):
        load(tmp_path / "run.pt")


def test_what_is_no_state_or_not_there(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(InputError, match="holds a list, not a checkpoint: delete it"):
        load(tmp_path / "list.pt")
    with pytest.raises(InputError, match=r"nowhere\.pt: No such file"):
        load(tmp_path / "nowhere.pt")


class SmallDisk(io.BytesIO):
    """Takes 10,000 bytes."""

    def write(self, content: object) -> int:
        if self.tell() > 10_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(content)  # type: ignore[arg-type]


def test_a_full_disk_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_replacing", lambda _: SmallDisk())
    state = {f"layer{k}": torch.zeros(5_000) for k in range(3)}
    with pytest.raises(OSError, match=r"No space left on device: .*step\.ckpt") as full:
        files.save_tensors(tmp_path / "step.ckpt", state)
    assert full.value.errno == errno.ENOSPC
