"""A small study, whole: its table, its files, and that an interruption changes nothing."""

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
import torch
from rich.console import Console
from study_runs import contents, run

from causal_ssl import methods
from causal_ssl.datasets.content_style import ContentStyle
from causal_ssl.errors import InputError
from causal_ssl.experiments import encoders, study
from causal_ssl.experiments.content_style import plan
from causal_ssl.experiments.content_style.config import Budget, DimensionsStudy, NumericalStudy
from causal_ssl.experiments.workers import WorkerError
from causal_ssl.training.numerical import DivergedError

TINY = {
    "n_content": 2,
    "n_style": 2,
    "mixing_candidates": 100,
    "hidden": (16,),
    "batch_size": 32,
    "n_fit": 60,
    "n_score": 300,
    "device": "cpu",
}
CONFIG = NumericalStudy(
    settings=("p1", "p075_statistical_causal"),
    independent=Budget(seeds=2, steps=40),
    dependent=Budget(seeds=1, steps=30),
    **TINY,  # type: ignore[arg-type]
)
FOUR_WORLDS = NumericalStudy(
    settings=("p1",),
    methods=("infonce",),
    independent=Budget(seeds=4, steps=10),
    **TINY,  # type: ignore[arg-type]
)
FIRST_FIGURE = {"numerical": "r2", "dimensions": "dimensions"}
RESULTS = ("table.csv", "history.csv", "predictions.csv", "report.html")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("studies") / "finished"
    run(CONFIG, out)
    return out


@pytest.fixture(scope="module")
def table(finished: Path) -> pd.DataFrame:
    return pd.read_csv(finished / "table.csv")


def test_the_table_is_tidy_and_has_a_row_for_everything_asked(table: pd.DataFrame) -> None:
    columns = ["study", "setting", "method", "seed", "metric", "variable", "value"]
    columns += ["reference", "source"]
    assert set(columns) <= set(table.columns)
    assert table["value"].notna().all()
    keys = ["setting", "method", "seed", "metric", "variable"]
    assert not table.duplicated(keys).any()
    found = set(table[keys].itertuples(index=False, name=None))
    for setting, seeds in (("p1", 2), ("p075_statistical_causal", 1)):
        for method in ("infonce", "relic"):
            for seed in range(seeds):
                for metric in ("r2_kernel_ridge", "r2_linear"):
                    for variable in ("content", "style", "style_from_true_content"):
                        assert (setting, method, seed, metric, variable) in found
                assert (setting, method, seed, "r2_closed_form", "style_from_true_content") in found


def test_published_values_stand_beside_ours_with_their_source(table: pd.DataFrame) -> None:
    beside = table[table["reference"].notna()]
    assert set(beside["variable"]) == {"content", "style"}
    row = beside.query(
        "setting == 'p075_statistical_causal' and metric == 'r2_kernel_ridge'"
        " and variable == 'style' and method == 'infonce'"
    )
    assert row["reference"].tolist() == [0.80]
    assert row["source"].tolist() == ["arXiv:2106.04619v4 section 5.1"]


def test_methods_are_compared_on_the_same_worlds(table: pd.DataFrame, finished: Path) -> None:
    keys = ["setting", "seed", "metric"]
    only = table[table["variable"] == "style_from_true_content"]
    assert (only.groupby(keys)["value"].nunique() == 1).all()
    assert len(list((finished / "worlds").iterdir())) == 3


def test_what_was_trained_and_on_what_is_kept(finished: Path, table: pd.DataFrame) -> None:
    """The saved encoder on the saved world scores what the table says."""
    from causal_ssl.experiments.content_style import evaluation

    cell = plan.cells(CONFIG)[0]
    world = ContentStyle.load(finished / "worlds" / f"{cell.world}.pt")
    state = torch.load(finished / "encoders" / f"{cell.name}.pt", weights_only=True)
    encoder = torch.nn.Sequential(
        torch.nn.Linear(4, 16), torch.nn.LeakyReLU(0.01), torch.nn.Linear(16, 2)
    )
    encoder.load_state_dict(state)
    rows = evaluation.identifiability_rows(evaluation.evaluate(encoder, world, CONFIG))
    told = table.query(
        "setting == @cell.setting and method == @cell.method and seed == @cell.seed"
        " and metric == 'r2_linear' and variable == 'content'"
    )["value"].item()
    (again,) = (
        r["value"] for r in rows if (r["metric"], r["variable"]) == ("r2_linear", "content")
    )
    assert again == pytest.approx(told, abs=1e-6)


def test_the_run_says_with_what_it_was_made_and_nothing_of_the_machine(finished: Path) -> None:
    environment = json.loads((finished / "environment.json").read_text())
    assert environment["device"] == "cpu"
    assert environment["packages"]["torch"] == torch.__version__.split("+")[0]
    assert "/" not in "".join(map(str, environment.values())).replace("https://", "")


def test_the_report_is_one_file_that_asks_for_nothing(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert len(sources) >= 5
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"https?://|@import|url\(", page)
    for figure in ("r2", "graph", "content", "loss", "predicted", "directions"):
        assert (finished / "figures" / f"{figure}.png").read_bytes()[:4] == b"\x89PNG"
    assert "0.80 ± 0.08" in page


def test_a_finished_run_is_left_alone(finished: Path) -> None:
    before = contents(finished)
    assert "complete already" in run(CONFIG, finished)
    assert contents(finished) == before


def test_an_interrupted_run_ends_with_the_same_files(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted in the middle of every third job's training until it is through."""
    calls = 0
    original = encoders.train

    def interrupted(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            raise KeyboardInterrupt
        return original(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(encoders, "train", interrupted)
    out = tmp_path / "run"
    for _ in range(10):
        try:
            run(CONFIG, out)
            break
        except KeyboardInterrupt:
            assert not (out / "table.csv").exists()
    assert calls > 6
    for name in RESULTS:
        assert (out / name).read_bytes() == (finished / name).read_bytes(), name


def test_a_report_is_redrawn_from_the_tables_alone(finished: Path, tmp_path: Path) -> None:
    before = contents(finished)
    for name in ("config.yaml", "environment.json", *RESULTS[:3]):
        (tmp_path / name).write_bytes(before[name])
    study.report(tmp_path, console=Console(file=io.StringIO()))
    after = contents(tmp_path)
    drawn = [name for name in before if name.startswith("figures/")] + ["report.html"]
    assert {name: after[name] for name in drawn} == {name: before[name] for name in drawn}


def test_a_report_of_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("study: numerical\n")
    with pytest.raises(InputError, match=r"no table.csv: the run has not finished"):
        study.report(tmp_path)


def test_another_config_overwrites_nothing(finished: Path) -> None:
    before = contents(finished)
    other = NumericalStudy(**{**vars(CONFIG), "tau": 0.5})
    with pytest.raises(InputError, match=r"tau: 1.0 there, 0.5 asked"):
        run(other, finished)
    assert contents(finished) == before


def test_an_unknown_method_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    config = NumericalStudy(methods=("infonse",), **TINY)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="did you mean 'infonce'"):
        run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_diverging_training_is_named_with_its_cell_and_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = next(job for job in plan.jobs(FOUR_WORLDS) if len(job.cells) == 2)

    def diverging(*args: object, **kwargs: object) -> None:
        raise DivergedError(1, job.cells[1].seed, 7, ["loss"], "Train less.")

    monkeypatch.setattr(encoders, "train", diverging)
    with pytest.raises(WorkerError) as raised:
        run(FOUR_WORLDS, tmp_path / "run")
    assert str(raised.value).startswith(
        f"{job.cells[1].name}: training diverged: replica 1 (seed {job.cells[1].seed}):"
        " loss not finite at step 7. Train less."
    )
    assert not (tmp_path / "run" / "table.csv").exists()


def test_cuda_without_a_device_is_refused(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    config = NumericalStudy(**{**TINY, "device": "cuda"})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no CUDA device"):
        run(config, tmp_path / "run")


@pytest.mark.parametrize("study", [NumericalStudy, DimensionsStudy])
def test_all_registered_methods_can_be_studied(tmp_path: Path, study: type[NumericalStudy]) -> None:
    config = study(
        settings=("p1",),
        methods=tuple(methods.names()),
        independent=Budget(seeds=1, steps=10),
        negatives="separate",
        **TINY,  # type: ignore[arg-type]
    )
    run(config, tmp_path / "run")
    assert set(pd.read_csv(tmp_path / "run" / "table.csv")["method"]) == set(methods.names())
    assert (tmp_path / "run" / "figures" / f"{FIRST_FIGURE[study.name]}.png").exists()


def test_the_dimensions_study_has_a_score_for_every_number_of_outputs(tmp_path: Path) -> None:
    config = DimensionsStudy(
        settings=("p1",),
        independent=Budget(seeds=1, steps=20),
        **TINY,  # type: ignore[arg-type]
    )
    run(config, tmp_path / "run")
    found = pd.read_csv(tmp_path / "run" / "table.csv").query("variable == 'content'")
    assert sorted(set(found["n_outputs"])) == [1, 2, 3, 4]
    assert set(found[found["reference"].notna()]["n_outputs"]) == {2}, "the paper's encoders alone"
    assert (tmp_path / "run" / "figures" / "dimensions.png").exists()
    assert "How many outputs" in (tmp_path / "run" / "report.html").read_text()
