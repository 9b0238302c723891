"""The ladder of content tasks: equally probable cells, each rung a coarsening of the next."""

import pickle

import pytest
import torch
from scipy.stats import chi2, norm
from torch import Tensor

from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig
from causal_ssl.datasets.tasks import ContentTasks
from causal_ssl.errors import InputError
from causal_ssl.partitions import Partition
from causal_ssl.randomness import generator_for

CELLS = [2, 4, 8, 16, 32, 64, 128]


def world(statistical: bool = True, n_content: int = 5) -> ContentStyle:
    config = ContentStyleConfig(
        statistical=statistical, causal=True, n_content=n_content, mixing_candidates=20
    )
    return ContentStyle.draw(config, seed=1)


def sampled(of: ContentStyle, n: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return of.sample(n, generator=generator_for(0, "content")).content.to(dtype)


@pytest.mark.parametrize("n_content", [1, 3, 5])
@pytest.mark.parametrize("statistical", [False, True])
def test_cells_are_equally_probable_whatever_the_covariance(
    statistical: bool, n_content: int
) -> None:
    of = world(statistical, n_content)
    content = sampled(of, 50_000)
    for cells in CELLS:
        counts = torch.bincount(ContentTasks(of.content_cov).labels(content, cells))
        assert len(counts) == cells
        expected = len(content) / cells
        statistic = ((counts - expected) ** 2 / expected).sum().item()
        # 42 tests of one seed each, at a level of 1e-4.
        assert statistic < chi2.ppf(1 - 1e-4, cells - 1)


def test_without_whitening_they_would_not_be() -> None:
    of = world()
    scaled = torch.diag(of.content_cov.diag())
    counts = torch.bincount(ContentTasks(scaled).labels(sampled(of, 50_000), 32), minlength=32)
    assert counts.max() > 2 * counts.min()


@pytest.mark.parametrize("n_content", [1, 3, 5])
def test_each_task_is_a_function_of_every_finer_one(n_content: int) -> None:
    of = world(n_content=n_content)
    ladder, content = ContentTasks(of.content_cov), sampled(of, 2000)
    for k, coarse in enumerate(CELLS):
        for fine in CELLS[k:]:
            finer, coarser = ladder.labels(content, fine), ladder.labels(content, coarse)
            mapping = ladder.coarsening(fine, coarse)
            assert mapping.shape == (fine,)
            assert torch.bincount(mapping).tolist() == [fine // coarse] * coarse
            assert torch.equal(mapping[finer], coarser)
            assert Partition(finer).refines(Partition(coarser))


def test_the_first_tasks_are_signs_and_then_come_quartiles() -> None:
    content = torch.randn(500, 2, generator=generator_for(0, "independent"))
    ladder = ContentTasks(torch.diag(torch.tensor([1.0, 9.0])))
    labels = ladder.labels(3 * content, 16)  # in units of the deviations: 3 z_1, z_2
    z = content * torch.tensor([3.0, 1.0])
    quartiles = torch.tensor(norm.ppf([0.25, 0.5, 0.75]))
    quarter = torch.bucketize(z.double(), quartiles)
    digits = [labels >> 3, (labels >> 2) % 2, (labels >> 1) % 2, labels % 2]
    assert torch.equal(digits[0], (z[:, 0] > 0).long())
    assert torch.equal(digits[1], (z[:, 1] > 0).long())
    assert torch.equal(2 * digits[0] + digits[2], quarter[:, 0])
    assert torch.equal(2 * digits[1] + digits[3], quarter[:, 1])


def test_a_coordinate_s_cut_is_on_what_it_adds_to_those_before_it() -> None:
    of = world()
    content, cov = sampled(of, 5000, torch.float64), of.content_cov
    labels = ContentTasks(cov).labels(content, 32)
    for k in range(5):
        known = torch.linalg.solve(cov[:k, :k], cov[:k, k]) if k else cov.new_zeros(0)
        residual = content[:, k] - content[:, :k] @ known
        assert torch.equal((labels >> (4 - k)) % 2, (residual > 0).long())


def test_labels_depend_on_content_alone_and_so_agree_between_views() -> None:
    of = world()
    task = ContentTasks(of.content_cov).task(64)
    views = of.sample_views(200, generator=generator_for(0, "views"))
    latents = [of.mixing.inverse(x)[:, :5] for x in (views.x1, views.x2)]
    first, second = (task(each) for each in latents)
    # The mixing is inverted in rounded numbers: a label on a face of its cell may differ.
    assert (first == second).float().mean() > 0.97
    assert (first == task(views.content)).float().mean() > 0.97


def test_content_far_out_is_in_the_outermost_cells() -> None:
    content = torch.tensor([[40.0], [-40.0], [0.0]])
    assert ContentTasks(torch.eye(1)).labels(content, 64).tolist() == [63, 0, 32]


def test_a_task_travels_to_another_process() -> None:
    of = world()
    task, content = ContentTasks(of.content_cov).task(16), sampled(of, 100)
    before = task(content)
    again = pickle.loads(pickle.dumps(task))
    assert torch.equal(again(content), before)
    assert again.cells == 16


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_labels_stay_on_the_device_of_content() -> None:
    of = world()
    ladder, content = ContentTasks(of.content_cov), sampled(of, 1000)
    labels = ladder.labels(content.cuda(), 64)
    assert labels.is_cuda
    assert (labels.cpu() == ladder.labels(content, 64)).float().mean() > 0.99


def test_bad_input_is_named() -> None:
    ladder, content = ContentTasks(torch.eye(2)), torch.zeros(4, 2)
    for cells, message in ((3, "power of 2.* got 3"), (1, "at least 2"), (2**17, "at most 65536")):
        with pytest.raises(InputError, match=message):
            ladder.labels(content, cells)
        with pytest.raises(InputError, match=message):
            ladder.task(cells)
        with pytest.raises(InputError, match=message):
            ladder.coarsening(64, cells)
    with pytest.raises(InputError, match=r"content has shape \(4, 3\): expected \(n, 2\)"):
        ladder.labels(torch.zeros(4, 3), 4)
    with pytest.raises(InputError, match="content is not finite"):
        ladder.labels(torch.full((4, 2), torch.nan), 4)
    with pytest.raises(InputError, match="4 cells do not refine 8"):
        ladder.coarsening(4, 8)
    with pytest.raises(InputError, match=r"shape \(2, 3\) is not symmetric"):
        ContentTasks(torch.zeros(2, 3))
    with pytest.raises(InputError, match=r"not positive definite \(smallest eigenvalue 0\)"):
        ContentTasks(torch.diag(torch.tensor([1.0, 0.0])))
