"""KernelRidgeCV selects, scores and predicts as scikit-learn does, and its certificates hold."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.utils.estimator_checks import estimator_checks_generator

from causal_ssl.analysis import _kernel_solver, _preconditioners, _ridge_system
from causal_ssl.analysis._blocked_cholesky import cholesky_in_place
from causal_ssl.analysis._gram import Points, gaussian_kernel
from causal_ssl.analysis.kernel_ridge import KernelRidgeCV
from causal_ssl.errors import InputError

ALPHAS = (1.0, 0.1, 0.01, 0.001)
GAMMAS = tuple(np.logspace(-2, 2, 4).tolist())


def problem(n, *, d=5, seed=0, noise=0.3):
    """Standardised X (n, d); Y (n, 5): three functions of X under noise, and two of noise alone."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, d))
    signal = np.tanh(x @ random.normal(size=(d, 3)) / d**0.5)
    y = np.concatenate([signal + noise * random.normal(size=(n, 3)), random.normal(size=(n, 2))], 1)
    return (x - x.mean(0)) / x.std(0), (y - y.mean(0)) / y.std(0)


def searches(x, y, groups, *, cv=3, alphas=ALPHAS, gammas=GAMMAS):
    """One GridSearchCV(KernelRidge) a group: {label: (columns, fitted search)}."""
    grid = {"alpha": list(alphas), "gamma": list(gammas)}
    columns = {label: [k for k, g in enumerate(groups) if g == label] for label in groups}
    return {
        label: (c, GridSearchCV(KernelRidge(kernel="rbf"), grid, cv=cv).fit(x, y[:, c]))
        for label, c in columns.items()
    }


@pytest.mark.parametrize(("n", "cv", "d", "seed"), [(100, 3, 5, 0), (331, 4, 2, 1), (640, 3, 8, 2)])
def test_equals_one_grid_search_a_group(n, cv, d, seed):
    # 100, 331 do not divide by their folds; n = 640 in 2 and 8 dimensions takes other solvers.
    x, y = problem(n, d=d, seed=seed)
    groups = ["signal"] * 3 + ["noise"] * 2
    model = KernelRidgeCV(alphas=ALPHAS, gammas=GAMMAS, cv=cv, target_groups=groups).fit(x, y)
    new = problem(50, d=d, seed=seed + 10)[0]
    for c, search in searches(x, y, groups, cv=cv).values():
        assert set(model.alpha_[c]) == {search.best_params_["alpha"]}
        assert set(model.gamma_[c]) == {search.best_params_["gamma"]}
        mean = search.cv_results_["mean_test_score"].reshape(len(ALPHAS), len(GAMMAS))
        assert np.allclose(model.cv_scores_[c].mean(axis=(0, 3)), mean, atol=1e-6, rtol=0)
        assert np.allclose(model.best_score_[c], search.best_score_, atol=1e-6, rtol=0)
        exact = search.best_estimator_
        assert np.allclose(model.predict(new)[:, c], exact.predict(new), atol=1e-8, rtol=0)
        assert np.allclose(model.dual_coef_[:, c], exact.dual_coef_, atol=1e-6, rtol=1e-6)


def test_one_group_is_the_default_and_each_target_alone_an_option():
    x, y = problem(120)
    together = KernelRidgeCV().fit(x, y)
    ((_, search),) = searches(x, y, [0] * 5).values()
    assert set(together.alpha_) == {search.best_params_["alpha"]}
    assert set(together.gamma_) == {search.best_params_["gamma"]}
    each = KernelRidgeCV(target_groups="each").fit(x, y)
    for k in range(5):
        alone = KernelRidgeCV().fit(x, y[:, k])
        assert (each.alpha_[k], each.gamma_[k]) == (alone.alpha_[0], alone.gamma_[0])
        assert np.allclose(each.predict(x)[:, k], alone.predict(x), atol=1e-8, rtol=0)


def test_folds_are_those_of_an_unshuffled_kfold():
    for n, cv in ((10, 3), (11, 4), (12, 5), (7, 7)):
        expected = [(int(test[0]), int(test[-1]) + 1) for _, test in KFold(cv).split(np.zeros(n))]
        assert _kernel_solver.folds_of(n, cv) == expected


def exact_scores(x, y, alpha, gamma, cv):
    """Held-out R2 (targets, folds), in extended precision."""
    out = []
    for train, test in KFold(cv).split(x):
        kernel = gaussian_kernel(torch.from_numpy(x), torch.from_numpy(x), gamma).numpy()
        matrix = kernel[np.ix_(train, train)].astype(np.longdouble)
        matrix[np.diag_indices(len(train))] += np.longdouble(alpha)
        inverse = np.linalg.inv(matrix.astype(np.float64))
        target = y[train].astype(np.longdouble)
        coef = inverse @ target
        for _ in range(6):  # refinement in extended precision
            coef = coef + inverse @ (target - matrix @ coef)
        predicted = kernel[np.ix_(test, train)].astype(np.longdouble) @ coef
        total = ((y[test] - y[test].mean(0)) ** 2).sum(0)
        out.append(1 - ((y[test] - predicted) ** 2).sum(0) / total)
    return np.array(out, dtype=np.float64).T


@pytest.mark.parametrize("tol", [1e-1, 1e-3, 1e-6])
def test_certificate_bounds_the_error_of_every_score(tol):
    # A loose tolerance stops the solvers early, so that there is an error to bound.
    x, y = problem(150, d=4)
    grid = _kernel_solver.GridSearch(
        Points(torch.from_numpy(x)),
        torch.from_numpy(y),
        ALPHAS,
        GAMMAS,
        _kernel_solver.folds_of(150, 3),
    )
    grid.run(torch.ones(4, 4, dtype=torch.bool), tol)
    for a, alpha in enumerate(ALPHAS):
        for g, gamma in enumerate(GAMMAS):
            error = np.abs(
                grid.result.scores[:, a, g].numpy() - exact_scores(x, y, alpha, gamma, 3)
            )
            # 1e-11: the rounding of the kernel and of the R2 themselves.
            assert (error <= grid.result.bounds[:, a, g].numpy() + 1e-11).all()
    # Residuals let predictions err by tol total^2 / (2.5 size) in norm, of targets of norm size
    # and, centred, total <= size. An R2 of 1 - (e / total)^2 is then off by that times
    # (2 e + that) / total^2, of which e / size is at most the root of 1 - R2.
    times = 0.8 * (1 - grid.result.scores).sqrt() + tol / 6.25
    assert (grid.result.bounds <= tol * times + 1e-11).all()


def test_bound_holds_for_an_arbitrary_wrong_solution():
    x, y = (torch.from_numpy(v) for v in problem(90))
    generator = torch.Generator().manual_seed(0)
    kernel = gaussian_kernel(x, x, 0.3)
    train, test = slice(30, 90), slice(0, 30)
    for alpha in ALPHAS:
        matrix = kernel[train, train] + alpha * torch.eye(60, dtype=torch.float64)
        exact = torch.linalg.solve(matrix, y[train])
        nowhere = torch.zeros(5, dtype=torch.float64)
        truth, _ = _kernel_solver.r2_with_bound(y[test], kernel[test, train] @ exact, nowhere)
        for size in (1e-6, 1e-3, 1.0):
            wrong = exact + size * torch.randn(60, 5, dtype=torch.float64, generator=generator)
            residual = (y[train] - matrix @ wrong).norm(dim=0)
            spread = float(kernel[test, test].sum(1).max())
            score, bound = _kernel_solver.r2_with_bound(
                y[test], kernel[test, train] @ wrong, residual * (spread / alpha) ** 0.5
            )
            assert ((score - truth).abs() <= bound + 1e-12).all()


def test_every_way_of_solving_gives_the_same_scores(monkeypatch):
    x, y = problem(400, d=3)
    plain = KernelRidgeCV().fit(x, y)
    assert plain.certificate_ < 2e-6

    def refuse(*arguments):
        raise _preconditioners.NotPositiveDefinite

    monkeypatch.setattr(_kernel_solver, "_by_landmarks", lambda *_: None)
    no_landmarks = KernelRidgeCV().fit(x, y)
    monkeypatch.setattr(_kernel_solver, "_by_float32", lambda *_: None)
    float64 = KernelRidgeCV().fit(x, y)
    monkeypatch.setattr(_kernel_solver, "cholesky", refuse)
    eigen = KernelRidgeCV().fit(x, y)
    for other in (no_landmarks, float64, eigen):
        assert np.allclose(other.cv_scores_, plain.cv_scores_, atol=2e-6, rtol=0)
        assert np.allclose(other.predict(x), plain.predict(x), atol=1e-8, rtol=0)


def test_kernel_computed_by_blocks_gives_the_same(monkeypatch):
    x, y = problem(301)
    stored = KernelRidgeCV().fit(x, y)
    monkeypatch.setattr("causal_ssl.analysis._gram.STORED_BYTES", 0)
    monkeypatch.setattr("causal_ssl.analysis._gram.BLOCK_ENTRIES", 7 * 301)
    monkeypatch.setattr("causal_ssl.analysis._kernel_solver.FACTOR_BYTES", 3 * 4 * 201**2)
    blocks = KernelRidgeCV().fit(x, y)
    assert np.allclose(blocks.cv_scores_, stored.cv_scores_, atol=2e-6, rtol=0)
    assert np.allclose(blocks.dual_coef_, stored.dual_coef_, atol=1e-7, rtol=1e-7)


@pytest.mark.parametrize("n", [300, 1537])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_factor_in_place_is_the_cholesky_factor(n, dtype):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 5, generator=generator, dtype=dtype)
    matrix = gaussian_kernel(x, x, 0.2) + 0.5 * torch.eye(n, dtype=dtype)
    expected = torch.linalg.cholesky(matrix)
    factor = matrix.tril()  # what stands above the diagonal must not matter
    assert cholesky_in_place(factor)
    # Rounding: n eps times the largest entry, 1.2.
    assert (factor.tril() - expected).abs().max() < n * 1.2 * torch.finfo(dtype).eps
    assert not cholesky_in_place(matrix - 2 * torch.eye(n, dtype=dtype))


@pytest.mark.parametrize("solver", ["refine", "advance"])
def test_a_bad_preconditioner_never_worsens_a_residual(solver):
    x, y = (torch.from_numpy(v) for v in problem(60))
    gram = Points(x).gram(0.2)
    goal = torch.full((5,), 1e-12, dtype=torch.float64)
    for bad in (lambda r: -10.0 * r, lambda r: r * torch.nan, lambda r: 1e30 * r):
        system = _ridge_system.RidgeSystem(y, 0.1, (0, 20), goal)
        if solver == "refine":
            _ridge_system.refine(gram, [(system, bad)])
        else:
            _ridge_system.advance(gram, [(system, bad)], iterations=3)
        matrix = gram.block(slice(20, 60), slice(20, 60)) + 0.1 * torch.eye(40)
        true = (y[20:] - matrix @ system.coef).norm(dim=0)
        assert torch.allclose(system.norms(), true)
        assert (true <= y[20:].norm(dim=0) + 1e-12).all()


def test_ill_conditioned_systems_stay_certified():
    # Duplicated points and a tiny penalty: float32 has no factor, float64 barely.
    x, y = problem(60, d=2)
    x, y = np.concatenate([x, x]), np.concatenate([y, y])
    model = KernelRidgeCV(alphas=(1e-7,), gammas=(0.01,), cv=2).fit(x, y)
    exact = exact_scores(x, y, 1e-7, 0.01, 2)
    assert np.isfinite(model.cv_bounds_).all()
    # The rounding of K C is not in the bound: eps ||K|| ||c|| sqrt(m / alpha).
    assert np.allclose(model.cv_scores_[:, 0, 0], exact, atol=1e-5)


def test_near_ties_are_solved_further_and_selection_is_certified():
    # Noise at gamma = 100 in 8 dimensions: K is almost I, penalties hardly matter.
    random = np.random.default_rng(3)
    x, y = random.normal(size=(150, 8)), random.normal(size=(150, 2))
    model = KernelRidgeCV(gammas=(30.0, 100.0), tol=1e-2).fit(x, y)
    ((_, search),) = searches(x, y, [0, 0], gammas=(30.0, 100.0)).values()
    assert model.alpha_[0] == search.best_params_["alpha"]
    assert model.gamma_[0] == search.best_params_["gamma"]


def test_selection_is_not_certified_between_equals():
    x, y = problem(60)
    model = KernelRidgeCV(alphas=(0.1, 0.1), gammas=(0.1,)).fit(x, y)
    assert not model.selection_certified_.any()
    assert KernelRidgeCV(alphas=(0.1, 10.0), gammas=(0.1,)).fit(x, y).selection_certified_.all()


def test_permuting_targets_permutes_the_result():
    x, y = problem(90)
    groups = ["a", "a", "a", "b", "b"]
    order = [4, 2, 0, 3, 1]
    one = KernelRidgeCV(target_groups=groups).fit(x, y)
    other = KernelRidgeCV(target_groups=[groups[k] for k in order]).fit(x, y[:, order])
    assert np.array_equal(one.alpha_[order], other.alpha_)
    assert np.array_equal(one.gamma_[order], other.gamma_)
    assert np.allclose(one.predict(x)[:, order], other.predict(x), atol=1e-9, rtol=0)


def test_constant_target_scores_as_in_scikit_learn():
    x, y = problem(45)
    y[:, 1] = 0.0
    model = KernelRidgeCV(alphas=(0.1,), gammas=(0.1,)).fit(x, y)
    for k, (train, test) in enumerate(KFold(3).split(x)):
        predicted = KernelRidge(alpha=0.1, gamma=0.1, kernel="rbf").fit(x[train], y[train])
        expected = r2_score(y[test], predicted.predict(x[test]), multioutput="raw_values")
        assert np.allclose(model.cv_scores_[:, 0, 0, k], expected, atol=1e-6)


def test_conventions_of_scikit_learn():
    for estimator, check in estimator_checks_generator(KernelRidgeCV()):
        if "array_api" not in str(check):  # needs an environment variable
            check(estimator)


def test_clone_parameters_and_pickle():
    x, y = problem(40)
    model = KernelRidgeCV(alphas=(0.1, 0.2), gammas=(0.3,), cv=4, target_groups="each")
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "alpha_")
    copy.fit(x, y)
    restored = pickle.loads(pickle.dumps(copy))
    assert np.array_equal(restored.predict(x), copy.predict(x))
    assert copy.set_params(cv=2).cv == 2


def test_tensors_and_arrays_give_the_same():
    x, y = problem(40)
    arrays = KernelRidgeCV(gammas=(0.1,)).fit(x, y)
    tensors = KernelRidgeCV(gammas=(0.1,)).fit(torch.from_numpy(x), torch.from_numpy(y))
    assert np.array_equal(arrays.predict(x), tensors.predict(torch.from_numpy(x)))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_same():
    x, y = problem(700)
    groups = ["signal"] * 3 + ["noise"] * 2
    cpu = KernelRidgeCV(target_groups=groups).fit(x, y)
    gpu = KernelRidgeCV(target_groups=groups, device="cuda").fit(x, y)
    assert np.array_equal(cpu.alpha_, gpu.alpha_)
    assert np.array_equal(cpu.gamma_, gpu.gamma_)
    assert np.allclose(cpu.predict(x), gpu.predict(x), atol=1e-8, rtol=0)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"alphas": (0.1, 0.0)}, "alphas"),
        ({"alphas": ()}, "alphas"),
        ({"gammas": (-1.0,)}, "gammas"),
        ({"cv": 1}, "cv is 1"),
        ({"cv": 41}, "40 samples cannot make 41 folds"),
        ({"tol": 0.0}, "tol"),
        ({"target_groups": "all"}, "target_groups is 'all'"),
        ({"target_groups": ["a", "b"]}, "2 labels for 5 targets"),
    ],
)
def test_bad_parameters_are_named(parameters, said):
    with pytest.raises(InputError, match=said):
        KernelRidgeCV(**parameters).fit(*problem(40))


def test_bad_data_is_named():
    x, y = problem(40)
    with pytest.raises(InputError, match="39"):
        KernelRidgeCV().fit(x, y[:39])
    x[7, 2] = np.nan
    with pytest.raises(InputError, match=r"X contains NaN .* first in row 7"):
        KernelRidgeCV().fit(x, y)
    with pytest.raises(InputError, match=r"y contains NaN .* first in row 7"):
        KernelRidgeCV().fit(y, torch.from_numpy(x))
