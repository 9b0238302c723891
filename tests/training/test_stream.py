"""Samples of a replica depend on its world, its seed and the chunk's index: on nothing else."""

import pytest
import torch

from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig
from causal_ssl.training.stream import ViewStream

B = 4096  # four steps a chunk


@pytest.fixture(scope="module")
def worlds() -> list[ContentStyle]:
    config = ContentStyleConfig(mixing_candidates=50)
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
