"""What is finished of a long work: one line a part, each on the disk before the next is begun."""

import json
import os
from pathlib import Path
from typing import Any


class Journal:
    """Records of finished parts by name; a kill at any moment costs at most the last one.

    Args:
        path: the journal's file; read if it is there. A last line that a kill cut off is dropped.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Journal(Path(folder) / "journal").add("part 1", {"sum": 3})
        ...     Journal(Path(folder) / "journal").records
        {'part 1': {'sum': 3}}
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[str, Any] = {}
        whole = path.read_bytes() if path.exists() else b""
        self._length = whole.rfind(b"\n") + 1
        for line in whole[: self._length].splitlines():
            entry = json.loads(line)
            self.records[entry["part"]] = entry["record"]

    def add(self, part: str, record: Any) -> None:
        """Note that a part is finished; it must be on the disk by now.

        Raises:
            OSError: the line cannot be written; the part does not count as finished then.
        """
        line = json.dumps({"part": part, "record": record}).encode() + b"\n"
        with self.path.open("r+b" if self.path.exists() else "xb") as file:
            file.truncate(self._length)
            file.seek(self._length)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._length += len(line)
        self.records[part] = record

    def remove(self) -> None:
        """Delete the file, once its records are kept elsewhere."""
        self.path.unlink(missing_ok=True)
        self._length = 0
