"""The choice of a renderer, with stand-ins for both."""

from typing import Any

import pytest

from causal_ssl.datasets.causal3dident.rendering import choose
from causal_ssl.datasets.causal3dident.rendering.renderer import RenderSettings
from causal_ssl.errors import InputError

SETTINGS = RenderSettings(size=32)


def stand_in(
    monkeypatch: pytest.MonkeyPatch, *, raster: str | None = None, cycles: str | None = None
) -> None:
    """Both backends as functions that return their names; a string is why one does not work."""

    def opened(name: str, hindrance: str | None) -> Any:
        def construct(meshes: Any, settings: Any, **options: Any) -> Any:
            if hindrance is not None:
                raise InputError(hindrance)
            return name, options

        return construct

    monkeypatch.setattr(choose, "available", lambda: raster)
    monkeypatch.setattr(choose, "RasterRenderer", opened("raster", raster))
    monkeypatch.setattr(choose, "CyclesRenderer", opened("cycles", cycles))


def test_auto_takes_raster_where_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    assert choose.open_renderer("auto", {}, SETTINGS) == ("raster", {})


def test_auto_takes_cycles_where_no_context_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, raster="no EGL")
    opened = choose.open_renderer("auto", {}, SETTINGS, blender="/opt/blender")
    assert opened == ("cycles", {"blender": "/opt/blender"})


def test_a_backend_asked_for_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, raster="no EGL")
    assert choose.open_renderer("cycles", {}, SETTINGS) == ("cycles", {"blender": None})
    with pytest.raises(InputError, match="no EGL"):
        choose.open_renderer("raster", {}, SETTINGS)


def test_where_neither_works_one_error_says_what_to_install_for_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in(monkeypatch, raster="install libegl1", cycles="install bpy")
    with pytest.raises(InputError, match=r"raster: install libegl1\ncycles: install bpy"):
        choose.open_renderer("auto", {}, SETTINGS)
