"""Kernel ridge with its grid search against scikit-learn's, both sides in one run.

    python benchmarks/kernel_ridge.py                  # n = 4096, about 2 minutes on two cores
    python benchmarks/kernel_ridge.py --n 1024 --threads 1
    python benchmarks/kernel_ridge.py --large          # and n = 20480 with its peak memory
    python benchmarks/kernel_ridge.py --device cuda --large

On a machine that others use too, set OMP_WAIT_POLICY=passive: a waiting thread that spins takes the
core of the one it waits for, and two threads become slower than one.

Ten targets, 5 content and 5 style coordinates, are predicted from a 5-d representation that mixes
content nonlinearly and holds a trace of style; alphas {1, .1, .01, .001}, gammas
logspace(-2, 2, 4), 3 folds. scikit-learn runs one GridSearchCV(KernelRidge) for content and one
for style; KernelRidgeCV runs once with two groups of targets. Writes results/kernel_ridge.json.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

ALPHAS = (1.0, 0.1, 0.01, 0.001)
N_SCORE = 4096
GROUPS = ["content"] * 5 + ["style"] * 5


def workload(n: int, seed: int = 0) -> tuple[Any, Any, Any, Any]:
    """Standardised (X, Y) to fit on, n points, and to score on, 4096 points."""
    import numpy as np

    random = np.random.default_rng(seed)
    content = random.normal(size=(n + N_SCORE, 5))
    style = random.normal(size=(n + N_SCORE, 5))
    hidden = content
    for _ in range(3):
        rotation, _ = np.linalg.qr(random.normal(size=(5, 5)))
        hidden = hidden @ rotation
        hidden = np.where(hidden > 0, hidden, 0.4 * hidden)
    x = hidden + 0.05 * style
    y = np.concatenate([content, style], axis=1)
    x, y = ((v - v[:n].mean(0)) / v[:n].std(0) for v in (x, y))
    return x[:n], y[:n], x[n:], y[n:]


def fit_ours(n: int, device: str) -> tuple[float, Any]:
    """Seconds of one fit, and the fitted estimator."""
    import torch

    from causal_ssl.analysis.kernel_ridge import KernelRidgeCV

    x, y, *_ = workload(n)
    x, y = (torch.from_numpy(v).to(device) for v in (x, y))
    start = time.perf_counter()
    model = KernelRidgeCV(alphas=ALPHAS, target_groups=GROUPS, device=device).fit(x, y)
    return time.perf_counter() - start, model


def fit_theirs(n: int) -> tuple[float, list[Any]]:
    """Seconds of the two searches, and the fitted searches."""
    import numpy as np
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.model_selection import GridSearchCV

    x, y, *_ = workload(n)
    grid = {"alpha": list(ALPHAS), "gamma": np.logspace(-2, 2, 4).tolist()}
    start = time.perf_counter()
    searches = [
        GridSearchCV(KernelRidge(kernel="rbf"), grid, cv=3).fit(x, y[:, columns])
        for columns in (slice(0, 5), slice(5, 10))
    ]
    return time.perf_counter() - start, searches


def compare(n: int, device: str, repeats: int) -> dict[str, Any]:
    """Time both sides and hold their selections, scores and predictions against each other."""
    import numpy as np
    from sklearn.metrics import r2_score

    fit_ours(n, device)  # first use of the threads and of the memory
    before = [fit_ours(n, device)[0] for _ in range(repeats - repeats // 2)]
    theirs, searches = fit_theirs(n)
    after, model = [], None
    for _ in range(repeats // 2):
        seconds, model = fit_ours(n, device)
        after.append(seconds)
    assert model is not None
    ours = statistics.median(before + after)
    _, _, x, y = workload(n)
    predicted = np.concatenate([search.predict(x) for search in searches], axis=1)
    r2 = [r2_score(y, p, multioutput="raw_values") for p in (predicted, model.predict(x))]
    selected = [(s.best_params_["alpha"], s.best_params_["gamma"]) for s in searches]
    mean = [search.cv_results_["mean_test_score"].reshape(4, 4) for search in searches]
    cv = [model.cv_scores_[c].mean(axis=(0, 3)) for c in (slice(0, 5), slice(5, 10))]
    return {
        "n": n,
        "device": device,
        "seconds": ours,
        "seconds_all": before + after,
        "seconds_sklearn": theirs,
        "ratio": theirs / ours,
        "selected": selected,
        "same_selection": [(model.alpha_[k], model.gamma_[k]) for k in (0, 5)] == selected,
        "selection_certified": bool(model.selection_certified_.all()),
        "max_certificate": model.certificate_,
        "max_cv_score_difference": float(
            max(np.abs(a - b).max() for a, b in zip(mean, cv, strict=True))
        ),
        "max_r2_difference": float(np.abs(r2[0] - r2[1]).max()),
        "r2_content": float(r2[1][:5].mean()),
        "r2_style": float(r2[1][5:].mean()),
    }


def large(n: int, device: str, threads: int) -> dict[str, Any]:
    """One fit in a process of its own, for its peak memory."""
    command = [sys.executable, __file__, "--only-ours", f"--n={n}", f"--device={device}"]
    done = subprocess.run(
        [*command, f"--threads={threads}"], check=True, stdout=subprocess.PIPE, text=True
    )
    seconds, peak, certificate = map(float, done.stdout.split())
    return {"n": n, "seconds": seconds, "peak_memory_gb": peak, "max_certificate": certificate}


def only_ours(n: int, device: str) -> None:
    seconds, model = fit_ours(n, device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(seconds, peak, model.certificate_)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=4096, help="points to fit on")
    parser.add_argument("--large", action="store_true", help="also n = 20480, ours alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only-ours", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    # Before numpy and torch are imported: both sides get the same threads.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    if options.only_ours:
        only_ours(options.n, options.device)
        return
    from _results import write_result

    result: dict[str, Any] = compare(options.n, options.device, options.repeats)
    if options.large:
        result["large"] = large(20480, options.device, options.threads)
    for key, value in result.items():
        print(f"{key:>24}  {value}")
    setting = (options.n, options.device, options.threads)
    suffix = "" if setting == (4096, "cpu", 2) else "_{}_{}_{}threads".format(*setting)
    print(f"written to {write_result(f'kernel_ridge{suffix}', result)}")


if __name__ == "__main__":
    main()
