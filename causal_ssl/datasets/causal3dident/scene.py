"""The scene of 3DIdent and Causal3DIdent in numbers: one description that every renderer reads.

An object floats above a coloured ground, under a spotlight that is aimed at it, a faint sun and an
area lamp; the camera looks down on it at 45 degrees. Lengths are in the scene's own units, z is up.
Zimmermann et al. 2021 (arXiv:2102.08850), appendix; von Kuegelgen et al. 2021 (arXiv:2106.04619),
appendix B.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import pi
from typing import Any, Self

import numpy as np
from matplotlib.colors import hsv_to_rgb
from numpy.typing import NDArray

from causal_ssl.datasets.causal3dident.latents import GROUPS, checked
from causal_ssl.errors import in_range

Floats = NDArray[np.float64]

POSITION_RANGE = 3.0
"""Positions are 3 x raw; angles and hues pi/2 x raw, so that none of them is periodic."""


@dataclass(frozen=True)
class Lamps:
    """The three lamps; none is visible to the camera.

    Attributes:
        sun_strength: irradiance of the sun, which shines straight down.
        sun_angle: its diameter as seen from the scene, radians.
        area_power: watts of the square area lamp, which faces down.
        area_size: its side.
        area_height: its z; it hangs above the origin.
        spot_power: watts of the spotlight, with inverse-square falloff.
        spot_cone: full opening angle, radians.
        spot_blend: share of the cone over which it fades to its edge.
        spot_radius: of its disk, which makes its shadows soft.
        spot_circle: radius of the circle on which it moves.
        spot_height: its z above the ground's depth.
    """

    sun_strength: float = 0.5
    sun_angle: float = 0.19933730363845825
    area_power: float = 39.2699089050293
    area_size: float = 1.0
    area_height: float = 7.0
    spot_power: float = 3000.0
    spot_cone: float = 35 * pi / 180
    spot_blend: float = 0.1
    spot_radius: float = 0.5
    spot_circle: float = 4.0
    spot_height: float = 6.0


@dataclass(frozen=True)
class Material:
    """Rubber: a Fresnel mix of [a Fresnel mix of diffuse and sheen] and gloss.

    Attributes:
        sheen_ior: index of refraction that weighs sheen against diffuse.
        gloss_ior: the one that weighs gloss against the two.
        sheen_roughness: of Ashikhmin's velvet.
        gloss_roughness: Beckmann's alpha, the square of what Blender calls roughness.
        gloss_grey: reflectance of the gloss in all three channels.
    """

    sheen_ior: float = 1.4
    gloss_ior: float = 1.2
    sheen_roughness: float = 0.6
    gloss_roughness: float = 0.35
    gloss_grey: float = 0.8


@dataclass(frozen=True)
class Scene:
    """Everything that is the same in all images.

    Attributes:
        object_scale: size of the object; meshes fit a sphere of radius 1.5 before it.
        depth: the ground lies at z = -depth, the object's rest position at depth / 2: the largest
            extent of the published teapot.
        ground_size: side of the ground's square.
        camera: position (x, y, z); it looks at the origin, z up.
        field_of_view: tangent of half its opening angle (35 mm lens, 50 mm sensor).
        ground_saturation: of the ground's colour hsv(hue, saturation, 1).
        spot_saturation: of the spotlight's. The object's is 1.
        lamps: see `Lamps`.
        material: of object and ground.

    Raises:
        InputError: `object_scale` not positive.
    """

    object_scale: float = 1.5
    depth: float = 4.442116737365723
    ground_size: float = 1500.0
    camera: tuple[float, float, float] = (8.0, 0.0, 8.0)
    field_of_view: float = 25 / 35
    ground_saturation: float = 0.6
    spot_saturation: float = 0.8
    lamps: Lamps = Lamps()
    material: Material = Material()

    def __post_init__(self) -> None:
        in_range("object_scale", self.object_scale, above=0)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The scene whose `dataclasses.asdict` is given, perhaps read back from JSON.

        Examples:
            >>> from dataclasses import asdict
            >>> Scene.from_record(asdict(Scene(object_scale=3.0))) == Scene(object_scale=3.0)
            True
        """
        parts = {
            "camera": tuple(record["camera"]),
            "lamps": Lamps(**record["lamps"]),
            "material": Material(**record["material"]),
        }
        return cls(**{**record, **parts})

    def frames(self, raw: object) -> "Frames":
        """What the latents say of each image.

        Args:
            raw: (n, 10), raw latents in [-1, 1].

        Raises:
            InputError: see `latents.checked`.

        Examples:
            >>> frames = Scene().frames(np.zeros((2, 10)))
            >>> len(frames), frames.spotlight[0].round(2).tolist()
            (2, [0.0, 4.0, 10.44])
        """
        z = checked(raw)
        spot, hue = z[:, 6] * pi / 2, {name: z[:, GROUPS[name][0]] / 4 % 1 for name in HUES}
        circle, height = self.lamps.spot_circle, self.lamps.spot_height + self.depth
        return Frames(
            position=POSITION_RANGE * z[:, :3] + [0, 0, self.depth / 2],
            rotation=z[:, 3:6] * pi / 2,
            spotlight=np.stack(
                [circle * np.sin(spot), circle * np.cos(spot), np.full_like(spot, height)], axis=1
            ),
            object_colour=_colour(hue["object_hue"], 1.0),
            spotlight_colour=_colour(hue["spotlight_hue"], self.spot_saturation),
            ground_colour=_colour(hue["background_hue"], self.ground_saturation),
        )


HUES = ("object_hue", "spotlight_hue", "background_hue")


@dataclass(frozen=True, eq=False)
class Frames:
    """n images of a scene, in its units; each attribute is (n, 3) float64.

    Attributes:
        position: of the object's centre.
        rotation: Euler angles about x, y and z, in this order, radians.
        spotlight: position of the spotlight, which is aimed at `position`.
        object_colour: linear RGB in [0, 1], as the others.
        spotlight_colour: tints the spotlight.
        ground_colour: of the ground.
    """

    position: Floats
    rotation: Floats
    spotlight: Floats
    object_colour: Floats
    spotlight_colour: Floats
    ground_colour: Floats

    def __len__(self) -> int:
        return len(self.position)

    def arrays(self) -> dict[str, Floats]:
        """Attribute name -> array, for a renderer in another process."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _colour(hue: Floats, saturation: float) -> Floats:
    full = np.ones_like(hue)
    return hsv_to_rgb(np.stack([hue, saturation * full, full], axis=1))
