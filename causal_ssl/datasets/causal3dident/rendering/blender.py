"""Blender as a process: where it is found, how it is started, what it is asked and how it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from causal_ssl.errors import InputError

VARIABLE = "CAUSAL_SSL_BLENDER"
LOCAL = Path(".venv-bpy", "bin", "python")
"""What `make` makes."""

INSTALL = (
    "Install Blender's package beside a Python 3.11 and name that Python: "
    "python3.11 -m venv .venv-bpy && .venv-bpy/bin/pip install 'bpy==4.5.*' 'numpy<2'; or install "
    f"Blender 4.5 or newer (blender.org) and name it: --blender PATH or {VARIABLE}=PATH"
)
LIBRARIES = (
    "apt-get install libsm6 libice6 libxi6 libxfixes3 libxrender1 libxkbcommon0 libgl1 "
    "(names of Debian and Ubuntu)"
)

_SCRIPT = Path(__file__).with_name("blender_worker.py")
_GREETING = b"causal-ssl "
_LINES_SHOWN = 15


class RenderError(RuntimeError):
    """A renderer's process ended while it was at work; shows the last it said."""


def find(blender: str | Path | None = None) -> str:
    """The program that runs Blender: a Blender, or a Python that has bpy.

    The first of: `blender`; the environment variable CAUSAL_SSL_BLENDER; this very Python, if it
    has bpy; .venv-bpy/bin/python in the working folder, which make makes; `blender` on the PATH.

    Args:
        blender: a path, or a name on the PATH.

    Raises:
        InputError: the one named is no program, or none is found; says what to install.

    Examples:
        >>> find("/no/such/blender")
        Traceback (most recent call last):
        ...
        causal_ssl.errors.InputError: no program '/no/such/blender': expected the path of a Blender
            or of a Python that has bpy
    """
    named = blender or os.environ.get(VARIABLE)
    if named:
        program = shutil.which(named)
        if program is None:
            raise InputError(
                f"no program {str(named)!r}: expected the path of a Blender or of a Python that "
                "has bpy"
            )
        return program
    if find_spec("bpy"):
        return sys.executable
    program = shutil.which(LOCAL) or shutil.which("blender")
    if program is None:
        raise InputError(
            f"no Blender found (no bpy in {sys.executable}, no {LOCAL} in {Path.cwd()}, no blender "
            f"on the PATH). {INSTALL}"
        )
    return program


def command(program: str) -> list[str]:
    """How the program runs a script, whose arguments are to follow.

    Raises:
        InputError: it does not run, or is neither a Blender nor a Python.

    Examples:
        >>> command(sys.executable)[1:-1]
        ['-P']
        >>> command("/bin/echo")
        Traceback (most recent call last):
        ...
        causal_ssl.errors.InputError: /bin/echo is neither a Blender nor a Python: ...
    """
    try:
        asked = subprocess.run(
            [program, "--version"], capture_output=True, stdin=subprocess.DEVNULL, check=False
        )
    except OSError as error:
        raise InputError(f"{program} does not run: {error.strerror or error}") from error
    said = asked.stdout.decode(errors="replace").strip()
    if said.startswith("Blender"):
        return [program, "--background", "--factory-startup", "--python", str(_SCRIPT), "--"]
    if said.startswith("Python"):
        # -P: without it the modules beside the script hide those of Blender, which has a `cycles`.
        return [program, "-P", str(_SCRIPT)]
    answer = said or asked.stderr.decode(errors="replace").strip()
    raise InputError(
        f"{program} is neither a Blender nor a Python: asked for its --version it says "
        f"{answer[:300]!r}"
    )


class Blender:
    """A process that runs `blender_worker.py`: greets once, then answers one request after another.

    Args:
        program: see `find`.
        folder: holds what the worker reads; its log and temporary files lie there too.

    Attributes:
        greeting: what the worker says of itself.

    Raises:
        InputError: it does not come to its greeting; shows the last it said and what to install.
    """

    greeting: Mapping[str, Any]

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._log = folder / "log"
        with self._log.open("ab") as log:  # appending: the worker empties it at every request
            # In a session of its own: Ctrl-C reaches the parent alone, which then ends the worker.
            self._process = subprocess.Popen(
                [*command(program), str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "TMPDIR": str(folder)},
                start_new_session=True,
            )
        try:
            self.greeting = self._greeting()
        except BaseException:
            self.close()
            raise

    def ask(self, request: Mapping[str, Any], count: int) -> bytes:
        """The answer to a request, of so many bytes.

        Raises:
            RenderError: the process ended, or was closed.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdin.closed:
            raise RenderError("this renderer is closed")
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            answer = process.stdout.read(count)
        except BrokenPipeError:
            answer = b""
        except BaseException:
            self.close()  # a request without its answer: the next would get the wrong one
            raise
        if len(answer) < count:
            raise RenderError(self._ending())
        return answer

    def close(self) -> None:
        """End the process, at once: it holds nothing worth keeping."""
        process = self._process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        with suppress(BrokenPipeError):  # what it did not read any more
            process.stdin.close()

    def _greeting(self) -> Mapping[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:  # a Blender has a few things to say first
            if line.startswith(_GREETING):
                greeting = json.loads(line.removeprefix(_GREETING))
                break
        else:
            raise InputError(self._ending())
        if "error" in greeting:
            raise InputError(f"{self._program}: {greeting['error']}. {_remedy(greeting)}")
        return greeting

    def _ending(self) -> str:
        code = self._process.wait()
        killer = signal.Signals(-code).name if code < 0 else ""
        how = f"was killed by {killer}" if killer else f"ended with status {code}"
        with self._log.open(errors="replace") as log:
            tail = "".join(deque(log, _LINES_SHOWN)).strip()
        return f"Blender ({self._program}) {how}; the last it said:\n{tail or '(nothing)'}"


def _remedy(greeting: Mapping[str, Any]) -> str:
    if greeting["kind"] == "device":
        return "Ask for the CPU, or for auto, which takes what there is"
    if ".so" in greeting["error"]:
        return f"Install the system's libraries that it lacks: {LIBRARIES}"
    return INSTALL
