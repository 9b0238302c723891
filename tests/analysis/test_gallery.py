"""A gallery shows every image it is given, where its title says."""

import numpy as np
import pytest

from causal_ssl.analysis.gallery import gallery
from causal_ssl.errors import InputError


def images(k, value):
    return np.full((k, 4, 4, 3), value, dtype=np.uint8)


def test_every_image_is_shown_in_the_row_of_its_title():
    figure = gallery({"dark": images(3, 0), "light": images(2, 255)}, columns=["first"])
    assert [int(axes.images[0].get_array()[0, 0, 0]) for axes in figure.axes] == [0, 0, 0, 255, 255]
    tops = [axes.get_position().y0 for axes in figure.axes]
    assert min(tops[:3]) > max(tops[3:])
    assert [text.get_text() for text in figure.texts] == ["dark", "light", "first"]


@pytest.mark.parametrize("wrong", [np.zeros((2, 4, 4), np.uint8), np.zeros((1, 4, 4, 3))])
def test_what_is_no_image_is_refused(wrong):
    with pytest.raises(InputError, match="row 'x'"):
        gallery({"x": wrong})
    with pytest.raises(InputError, match="at least one row"):
        gallery({})
