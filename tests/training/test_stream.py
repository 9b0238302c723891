"""Samples of a replica depend on its world, its seed and the chunk's index: on nothing else."""

import pytest
import torch

from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig
from causal_ssl.datasets.tasks import ContentTasks
from causal_ssl.errors import InputError
from causal_ssl.training.stream import ViewStream

B = 4096  # four steps a chunk


@pytest.fixture(scope="module")
def worlds() -> list[ContentStyle]:
    config = ContentStyleConfig(mixing_candidates=50, statistical=True)
    return [ContentStyle.draw(config, seed=seed) for seed in (0, 1)]


def test_a_replica_is_the_same_whatever_it_is_grouped_with(worlds: list[ContentStyle]) -> None:
    both = ViewStream(worlds, [5, 6], batch_size=B).chunk(3)
    alone = ViewStream(worlds[1:], [6], batch_size=B).chunk(3)
    assert both.shape == (4, 2, 2 * B, 10)
    assert torch.equal(both[:, 1:], alone)
    assert not torch.equal(both[:, 0], both[:, 1])


def test_order_of_asking_does_not_matter(worlds: list[ContentStyle]) -> None:
    stream = ViewStream(worlds[:1], [5], batch_size=B)
    first = stream.chunk(0)
    assert not torch.equal(first, stream.chunk(1))
    assert torch.equal(first, stream.chunk(0))


def test_rows_are_two_views_of_one_sample_and_an_independent_third(
    worlds: list[ContentStyle],
) -> None:
    chunk = ViewStream(worlds[:1], [5], batch_size=B, negatives=True).chunk(0)
    assert chunk.shape == (4, 1, 3 * B, 10)
    first, second, third = worlds[0].mixing.inverse(chunk[0, 0])[:, :5].float().split(B)
    torch.testing.assert_close(first, second, atol=1e-3, rtol=1e-3)
    correlation = torch.corrcoef(torch.stack([first.flatten(), third.flatten()]))[0, 1]
    # 5 B independent pairs: standard error 0.007
    assert abs(correlation) < 0.035


def test_negatives_leave_the_views_as_they_are(worlds: list[ContentStyle]) -> None:
    with_third = ViewStream(worlds[:1], [5], batch_size=B, negatives=True).chunk(0)
    without = ViewStream(worlds[:1], [5], batch_size=B).chunk(0)
    assert torch.equal(with_third[:, :, : 2 * B], without)


def test_no_sample_is_drawn_twice(worlds: list[ContentStyle]) -> None:
    stream = ViewStream(worlds[:1], [5], batch_size=B)
    samples = torch.cat([stream.chunk(k)[:, 0, :B].reshape(-1, 10) for k in range(2)])
    assert len(samples[:, 0].unique()) > 0.99 * len(samples)  # float32 collides now and then


def test_groups_are_each_world_s_own_task_on_the_samples_content(
    worlds: list[ContentStyle],
) -> None:
    tasks = [ContentTasks(world.content_cov).task(8) for world in worlds]
    stream = ViewStream(worlds, [5, 6], batch_size=B, tasks=tasks)
    views, groups = stream.chunk_and_groups(2)
    assert groups is not None
    assert groups.shape == (4, 2, B)
    assert torch.equal(views, ViewStream(worlds, [5, 6], batch_size=B).chunk(2))
    for r, (world, task) in enumerate(zip(worlds, tasks, strict=True)):
        for view in views[1, r].split(B):
            # The mixing is inverted in rounded numbers: labels on a face may differ.
            found = task(world.mixing.inverse(view)[:, :5])
            assert (found == groups[1, r]).float().mean() > 0.98
        other = tasks[1 - r](world.mixing.inverse(views[1, r, :B])[:, :5])
        assert (other == groups[1, r]).float().mean() < 0.98


def test_groups_too_do_not_depend_on_the_replicas_beside(worlds: list[ContentStyle]) -> None:
    tasks = [ContentTasks(world.content_cov).task(8) for world in worlds]
    _, both = ViewStream(worlds, [5, 6], batch_size=B, tasks=tasks).chunk_and_groups(3)
    _, alone = ViewStream(worlds[1:], [6], batch_size=B, tasks=tasks[1:]).chunk_and_groups(3)
    assert both is not None
    assert alone is not None
    assert torch.equal(both[:, 1:], alone)
    assert ViewStream(worlds, [5, 6], batch_size=B).chunk_and_groups(3)[1] is None


def test_labels_that_are_not_one_integer_a_sample_are_refused(worlds: list[ContentStyle]) -> None:
    for task, message in (
        (lambda content: content[:, 0], r"float32 of shape \(16384,\)"),
        (lambda content: (content > 0).long(), r"int64 of shape \(16384, 5\).*\(16384,\)"),
    ):
        with pytest.raises(InputError, match=message):
            ViewStream(worlds[:1], [5], batch_size=B, tasks=[task]).chunk_and_groups(0)
