"""R2, MCC and class accuracy: exact cases, chance levels, splits and refusals."""

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from causal_ssl.analysis.identifiability import class_accuracy, match_coordinates, mcc, r2_scores
from causal_ssl.errors import InputError


def latents(n, seed=0):
    random = np.random.default_rng(seed)
    return {"content": random.normal(size=(n, 3)), "style": random.normal(size=(n, 2))}


def value(table, metric, variable):
    rows = table[(table.metric == metric) & (table.variable == variable)]
    return float(rows[rows.coordinate == "average"].value.iloc[0])


def test_linear_r2_of_an_invertible_linear_map_is_one():
    z = latents(200)
    mixing = np.random.default_rng(1).normal(size=(5, 5))
    x = np.concatenate([z["content"], z["style"]], axis=1) @ mixing + 7.0
    table = r2_scores(x, z, regressor="linear")
    assert table.metric.tolist() == ["r2_linear"] * 2
    assert np.allclose(table.value, 1.0)


def test_kernel_ridge_sees_what_linear_regression_does_not():
    # E[z z^2] = 0: linear R2 is 0 within sampling error, 3 sqrt(var) ~ 3 sqrt(30 / 600) / 2 < .35;
    # |z| is a function of z^2, recovered up to the kernel's smoothness at 0.
    z = np.random.default_rng(0).normal(size=(1200, 1))
    targets = {"sign": z, "size": np.abs(z)}
    linear = r2_scores(z**2, {"sign": z}, regressor="linear")
    kernel = r2_scores(z**2, targets)
    assert value(linear, "r2_linear", "sign") < 0.35
    assert value(kernel, "r2_kernel_ridge", "size") > 0.95
    assert value(kernel, "r2_kernel_ridge", "sign") < 0.1


def test_equals_scikit_learn_with_one_search_a_variable():
    z, score = latents(150), latents(90, seed=1)
    x = np.sin(z["content"]) + 0.3 * z["style"][:, :1]
    new = np.sin(score["content"]) + 0.3 * score["style"][:, :1]
    table = r2_scores(x, z, score_representation=new, score_latents=score, coordinates=True)
    x_scaler = StandardScaler().fit(x)
    grid = {"alpha": [1, 0.1, 0.01, 0.001], "gamma": np.logspace(-2, 2, 4)}
    for name in z:
        scaler = StandardScaler().fit(z[name])
        search = GridSearchCV(KernelRidge(kernel="rbf"), grid, cv=3)
        search.fit(x_scaler.transform(x), scaler.transform(z[name]))
        predicted = scaler.inverse_transform(search.predict(x_scaler.transform(new)))
        rows = table[table.variable == name]
        expected = r2_score(score[name], predicted, multioutput="raw_values")
        assert np.allclose(rows[rows.coordinate != "average"].value, expected, atol=1e-8)
        assert np.isclose(value(table, "r2_kernel_ridge", name), expected.mean(), atol=1e-8)
        assert set(rows.alpha) == {search.best_params_["alpha"]}
        assert set(rows.gamma) == {search.best_params_["gamma"]}


@pytest.mark.parametrize("regressor", ["linear", "kernel_ridge"])
def test_scale_and_shift_of_either_side_change_nothing(regressor):
    z = latents(120)
    x = z["content"] ** 3
    one = r2_scores(x, z, regressor=regressor)
    scaled = {name: 5.0 * block - 3.0 for name, block in z.items()}
    other = r2_scores(100.0 * x + 40.0, scaled, regressor=regressor)
    assert np.allclose(one.value, other.value, atol=1e-7)


@pytest.mark.parametrize("regressor", ["linear", "kernel_ridge"])
def test_permuted_pairs_score_at_chance(regressor):
    # 300 fit and 300 score points, linear, 3 inputs: the expected R2 is -(3 + 1 + 1) / 300 = -.02
    # with deviation about as large; kernel ridge may add the best of 16 pairs.
    z = latents(600)
    table = r2_scores(z["content"], z, regressor=regressor, n_permutations=3)
    permuted = table[table.metric == f"r2_{regressor}_permuted"]
    assert sorted(permuted.permutation) == [0, 0, 1, 1, 2, 2]
    assert (permuted.value.abs() < 0.1).all()
    assert value(table, f"r2_{regressor}", "content") > 0.95
    again = r2_scores(z["content"], z, regressor=regressor, n_permutations=3)
    assert np.array_equal(again.value, table.value)
    other = r2_scores(z["content"], z, regressor=regressor, n_permutations=3, seed=1)
    assert not np.array_equal(other.value, table.value)


def test_permutations_leave_the_intact_pairs_alone():
    z = latents(150)
    alone = r2_scores(z["content"] ** 3, z)
    beside = r2_scores(z["content"] ** 3, z, n_permutations=2)
    assert np.allclose(beside[beside.permutation == -1].value, alone.value, atol=1e-9)


def test_splits():
    z = latents(100)
    x = z["content"]
    table = r2_scores(x, z, regressor="linear")
    assert table.n_fit.tolist() == [50, 50]
    assert table.n_score.tolist() == [50, 50]
    table = r2_scores(x, z, regressor="linear", n_fit=70)
    explicit = r2_scores(
        x[:70],
        {name: block[:70] for name, block in z.items()},
        regressor="linear",
        score_representation=x[70:],
        # in another order: variables go by their names
        score_latents={name: z[name][70:] for name in ("style", "content")},
    )
    assert np.allclose(table.value, explicit.value)


def test_coordinates_average_to_their_variable():
    z = latents(100)
    table = r2_scores(z["content"], z, regressor="linear", coordinates=True)
    for name, size in (("content", 3), ("style", 2)):
        rows = table[(table.variable == name) & (table.coordinate != "average")]
        assert rows.coordinate.tolist() == [str(k) for k in range(size)]
        assert np.isclose(rows.value.mean(), value(table, "r2_linear", name))


def test_vectors_and_tensors():
    z = latents(100)
    table = r2_scores(
        torch.from_numpy(z["content"]).float(),
        {"first": torch.from_numpy(z["content"][:, 0])},
        regressor="linear",
    )
    assert np.allclose(table.value, 1.0)


def test_collapsed_representation_scores_zero():
    z = latents(200)
    for regressor in ("linear", "kernel_ridge"):
        table = r2_scores(np.ones((200, 4)), z, regressor=regressor)
        # The mean of 100 fit points predicts 100 others: R2 = -(difference of means)^2 ~ 2 / 100.
        assert (table.value.abs() < 0.15).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"regressor": "kernel_rigde"}, "did you mean 'kernel_ridge'"),
        ({"n_permutations": -1}, "n_permutations is -1"),
        ({"n_fit": 1}, "n_fit is 1 of 60"),
        ({"n_fit": 59}, "n_fit is 59 of 60"),
        ({"cv": 31}, "30 fit points cannot make 31 folds"),
        ({"latents": {}}, "latents are empty"),
        ({"latents": {"c": np.zeros((59, 2))}}, "'c' has 59 rows and the representation 60"),
        ({"latents": {"c": np.eye(60)[:, :2] * 0 + 1}}, "'c' is constant in coordinate 0"),
        ({"latents": {"c": np.r_[np.zeros(30), np.arange(30)]}}, "constant in coordinate 0 on the"),
        ({"score_latents": {"c": np.zeros((5, 1))}}, "go together"),
    ],
)
def test_bad_arguments_are_named(change, said):
    arguments = {"latents": latents(60), **change}
    with pytest.raises(InputError, match=said):
        r2_scores(latents(60)["content"], **arguments)


def test_bad_data_is_named():
    z = latents(60)
    x = z["content"].copy()
    new = latents(20, seed=1)
    with pytest.raises(InputError, match="1 of 21 score points are among the fit points"):
        r2_scores(
            x,
            z,
            score_representation=np.concatenate([new["content"], x[:1]]),
            score_latents={k: np.concatenate([new[k], z[k][:1]]) for k in z},
        )
    with pytest.raises(InputError, match="pass the same variables"):
        r2_scores(x, z, score_representation=x, score_latents={"content": x})
    with pytest.raises(InputError, match="must be the same"):
        r2_scores(x, z, score_representation=new["style"], score_latents=new)
    with pytest.raises(InputError, match="n_fit is 10 and a score set"):
        r2_scores(x, z, score_representation=new["content"], score_latents=new, n_fit=10)
    x[3, 1] = np.inf
    with pytest.raises(InputError, match="representation contains NaN or infinity in 1 of 60"):
        r2_scores(x, z)


def test_mcc_of_a_signed_permutation_is_one_and_of_a_rotation_less():
    z = np.random.default_rng(0).normal(size=(2000, 4))
    order, signs = [2, 0, 3, 1], np.array([1.0, -2.0, 0.1, -1.0])
    matched = match_coordinates(z[:, order] * signs, z)
    assert np.isclose(matched.mcc, 1.0)
    assert matched.index.tolist() == [order.index(k) for k in range(4)]
    assert np.allclose(np.sign(matched.correlation), np.sign(signs[matched.index]))
    # By 45 degrees every correlation is sqrt(1/2), within 1 / sqrt(2000) = .02.
    plane = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    assert abs(mcc(z[:, :2] @ plane, z[:, :2]) - np.sqrt(0.5)) < 0.06


def test_spearman_mcc_ignores_monotone_functions():
    z = np.random.default_rng(0).normal(size=(500, 3))
    assert np.isclose(mcc(np.exp(3 * z), z, correlation="spearman"), 1.0)
    assert mcc(np.exp(3 * z), z) < 0.9


def test_mcc_assigns_one_to_one_and_counts_missing_coordinates_as_zero():
    z = np.random.default_rng(0).normal(size=(400, 2))
    both = mcc(np.stack([z[:, 0], z[:, 0] + 1e-9 * z[:, 1]], axis=1), z)
    assert both < 0.7  # the second copy of coordinate 0 cannot stand for coordinate 1
    few = match_coordinates(z[:, :1], z)
    assert few.index.tolist() == [0, -1]
    assert np.isclose(few.mcc, 0.5)
    assert np.isclose(mcc(np.concatenate([z, z**2], axis=1), z), 1.0)


def test_mcc_at_chance_and_of_a_constant():
    random = np.random.default_rng(0)
    z = random.normal(size=(4000, 4))
    # The largest of a few correlations of deviation 1 / sqrt(4000) = .016.
    assert mcc(random.normal(size=(4000, 4)), z) < 4 * 0.016
    assert mcc(np.ones((4000, 4)), z) == 0.0
    with pytest.raises(InputError, match="constant"):
        mcc(z, np.ones((4000, 4)))
    with pytest.raises(InputError, match="did you mean 'spearman'"):
        mcc(z, z, correlation="spearmen")


def test_class_accuracy_and_its_chance_level():
    random = np.random.default_rng(0)
    labels = random.integers(3, size=1000)
    centres = np.array([[0.0, 9.0], [9.0, 0.0], [-9.0, -9.0]])
    x = centres[labels] + random.normal(size=(1000, 2))
    assert class_accuracy(x, labels) == 1.0
    # 500 score points of three equally frequent classes: 1/3 within 4 deviations of .021.
    noise = class_accuracy(random.normal(size=(1000, 2)), labels)
    assert abs(noise - 1 / 3) < 0.09
    names = np.array(["hare", "cow", "head"])[labels]
    split = class_accuracy(
        x[:600], names[:600], score_representation=x[600:], score_labels=names[600:]
    )
    assert split == class_accuracy(x, names, n_fit=600) == 1.0


def test_class_accuracy_refusals():
    x = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(InputError, match="needs two"):
        class_accuracy(x, np.zeros(20))
    with pytest.raises(InputError, match=r"shape \(19,\)"):
        class_accuracy(x, np.zeros(19))
    with pytest.raises(InputError, match="go together"):
        class_accuracy(x, np.arange(20), score_representation=x)
