"""The command line: help that reads, errors of one line, runs that survive being killed."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import call, wait_until

from causal_ssl import doctor
from causal_ssl.cli.study import study_parser, study_values
from causal_ssl.doctor import Finding
from causal_ssl.experiments.catalogue import study_of

TINY = shlex.split(
    "study numerical --settings p1 --seeds 2 --n-content 2 --n-style 2 --mixing-candidates 100"
    " --hidden 16 --batch-size 64 --n-fit 60 --n-score 100 --device cpu"
)


@pytest.mark.parametrize(
    ("command", "shows"),
    [
        ("--help", ["study", "report", "doctor", "examples:"]),
        ("", ["study", "report", "doctor", "examples:"]),
        ("study --help", ["numerical", "dimensions", "examples:"]),
        ("study numerical --help", ["--preset", "--dependent.steps", "examples:", "p075"]),
        ("study dimensions --help", ["--max-outputs", "examples:"]),
        ("study robustness --help", ["Whether ReLIC's invariance penalty"]),
        ("evaluate linear --help", ["four validation corruptions of ImageNet-C (--suite-root)"]),
        ("evaluate linear --help", ["--suite-root DIR", "--subset FILE", "--choose-on imagenet-c"]),
        ("evaluate robustness --help", ["--beside {supervised,simclr,relic,byol,relic_t}"]),
        ("evaluate semi --help", ["--optimiser {adam,sgd,nesterov,lars}", "has to be given"]),
        ("report --help", ["DIR", "example:"]),
        ("doctor --help", ["example:"]),
    ],
)
def test_help_names_what_there_is(
    capsys: pytest.CaptureFixture[str], command: str, shows: list[str]
) -> None:
    status, out, err = call(capsys, command.split())
    assert (status, err) == (0, "")
    assert all(part in " ".join(out.split()) for part in shows)
    assert max(map(len, out.splitlines())) <= 100


def test_help_does_not_wait_for_torch() -> None:
    program = (
        "import sys; from causal_ssl import cli\n"
        "try: cli.main(['study', 'numerical', '--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("studdy", "unknown command 'studdy': did you mean 'study'?"),
        ("study numericl", "unknown study 'numericl': did you mean 'numerical'?"),
        ("study numerical --stepz 3", "unknown option --stepz: did you mean --steps?"),
        ("study numerical now", "unknown argument now"),
        ("study numerical --preset quik", "unknown preset 'quik': did you mean 'quick'?"),
        ("study numerical --settings p1 p07", "unknown setting 'p07': did you mean 'p075'?"),
        ("study numerical --methods relik", "unknown method 'relik': did you mean 'relic'?"),
        ("study numerical --alphas papers", "unknown alphas 'papers': did you mean 'paper'?"),
        ("study numerical --seeds 0", "seeds must be at least 1, got 0"),
        ("study numerical --steps -5", "steps must be at least 1, got -5"),
        ("study numerical --batch-size 1", "batch_size must be at least 2, got 1"),
        ("study numerical --n-fit 2", "n_fit = 2 samples cannot fill folds = 3"),
        ("study numerical --n-fit many", "--n-fit: expected a whole number, got 'many'"),
        ("study numerical --tau nan", "--tau: expected a number, got 'nan'"),
        ("study numerical --learning-rate 0", "learning_rate must be above 0, got 0"),
        ("study numerical --workers -1", "workers must be auto or a number from 0, got '-1'"),
        ("study numerical --config nowhere.yaml", "nowhere.yaml cannot be read"),
        ("report nowhere", "nowhere is not a run directory"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_made(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = call(capsys, command.split())
    assert (status, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("n_fitt: 100", "unknown config key 'n_fitt': did you mean 'n_fit'?"),
        ("dependent: {stepz: 3}", "did you mean 'dependent.steps'?"),
        ("n_fit: some", "--n-fit: expected a whole number, got 'some'"),
        ("batch_size: 1", "batch_size must be at least 2, got 1"),
        ("study: dimensions", "is for the study 'dimensions'"),
        ("[1, 2]", "holds no keys"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_bad_config_file_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "my.yaml").write_text(text)
    status, _, err = call(
        capsys, ["study", "numerical", "--config", str(tmp_path / "my.yaml"), "--out", "x"]
    )
    assert status == 2
    assert says in err
    assert len(err.splitlines()) == 1


def test_options_win_over_the_config_file_and_that_over_the_preset(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("n_fit: 300\nseeds: 4\ndependent: {steps: 50}\n")
    study = study_of("numerical")
    parser = study_parser(study)
    given = f"--preset standard --config {tmp_path / 'my.yaml'} --n-fit 200 --dependent.seeds 9"
    values = study_values(parser, study, parser.parse_args(given.split()))
    assert values["n_fit"] == 200
    assert values["n_score"] == 8192
    assert values["independent"] == {"seeds": 4, "steps": 8000}
    assert values["dependent"] == {"seeds": 9, "steps": 50}


def test_a_run_killed_half_way_leaves_no_process_and_ends_with_the_same_table(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    arguments = [*TINY, "--steps", "400", "--out"]
    assert call(capsys, [*arguments, str(whole), "--workers", "0"])[0] == 0

    command = [sys.executable, "-m", "causal_ssl", *arguments, str(killed), "--workers", "1"]
    parent = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    try:
        wait_until(lambda: len(list(killed.glob("cells/*.json"))) >= 1)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    wait_until(lambda: not _session(parent.pid))
    assert not (killed / "table.csv").exists()

    again = call(capsys, [*arguments, str(killed), "--workers", "0"])
    assert again[0] == 0
    assert "finished before" in again[1]
    assert (killed / "table.csv").read_bytes() == (whole / "table.csv").read_bytes()
    assert (killed / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()


def _session(leader: int) -> list[str]:
    """Processes alive in a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(stat.parent.name)
    return found


def test_ctrl_c_says_how_to_continue(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("causal_ssl.experiments.encoders.train", interrupted)
    out = tmp_path / "my run"
    status, _, err = call(capsys, [*TINY, "--out", str(out), "--workers", "0"])
    assert status == 130
    assert len(err.splitlines()) == 1
    assert f"To continue: causal-ssl {' '.join(TINY)} --out '{out}' --workers 0" in err


@pytest.mark.parametrize("workers", ["0", "1"])
def test_diverged_training_is_one_line_with_cell_step_and_remedy_wherever_it_ran(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: str
) -> None:
    diverging = ["--learning-rate", "1e9", "--schedule", "constant", "--steps", "40"]
    where = ["--out", str(tmp_path / "run"), "--workers", workers]
    status, _, err = call(capsys, [*TINY, *diverging, *where])
    assert status == 1
    assert len(err.splitlines()) == 1
    assert re.search(r"p1-\w+-seed\d-d2: training diverged: replica 0 \(seed \d\): loss", err)
    assert re.search(r"not finite at step \d", err)
    assert "A lower learning rate than 1000000000.0 may help" in err
    assert "repeat the command" not in err, "it would diverge again"


def test_after_another_failure_the_command_can_be_repeated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("causal_ssl.experiments.encoders.train", full)
    status, _, err = call(capsys, [*TINY, "--out", str(tmp_path / "run"), "--workers", "0"])
    assert status == 1
    assert re.search(r"p1-\w+-seed\d.*: OSError: .*No space left", err)
    assert err.endswith("what is finished is kept, repeat the command to continue\n")


def test_the_doctor_finds_this_installation_whole(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys, ["doctor"])
    assert status == 0
    assert "the core works" in out
    for part in ("torch", "torchvision", "python", "cpu", *doctor.OPTIONAL):
        assert part in out


def test_the_doctor_fails_and_gives_the_remedy_when_the_core_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Finding("torchvision", "broken", "does not match torch", "pip install something")
    monkeypatch.setattr(doctor, "examine", lambda: iter([broken]))
    status, out, _ = call(capsys, ["doctor"])
    assert status == 1
    assert "-> pip install something" in out


def test_the_doctor_sees_a_torchvision_built_for_another_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torchvision

    def missing(*args: object) -> None:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(torchvision.ops, "nms", missing)
    (pair,) = (f for f in doctor.examine() if f.part == "torchvision")
    assert pair.status == "broken"
    assert "torchvision::nms does not exist" in pair.detail
    assert "constraints.txt" in pair.remedy
