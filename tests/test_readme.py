"""The README's Python runs as printed."""

import re
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def test_python_blocks_run_one_after_the_other() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert blocks
    exec(compile("\n".join(blocks), str(README), "exec"), {})


def test_files_it_shows_or_links_exist() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    local = [target for target in targets if "://" not in target]
    assert local
    assert not [target for target in local if not (README.parent / target).exists()]
