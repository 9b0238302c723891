"""The view settings of the Causal3DIdent study: rows of table 1 of arXiv:2106.04619."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from causal_ssl.errors import one_of


@dataclass(frozen=True)
class Setting:
    """How two views of an image are made.

    Attributes:
        name: as in tables and on the command line.
        title: the paper's words.
        augmentation: DA: the image augmentation, as `views` names it; "" for none.
        change: LT: the latents that are drawn anew, as `render --change` names them; "" for none.
    """

    name: str
    title: str
    augmentation: str = ""
    change: str = ""


_ALL = (
    Setting("da_colour", "DA: colour distortion", augmentation="colour_distortion"),
    Setting("lt_hues", "LT: change hues", change="hues"),
    Setting("da_crop_large", "DA: crop (large)", augmentation="crop_large"),
    Setting("da_crop_small", "DA: crop (small)", augmentation="crop_small"),
    Setting("lt_positions", "LT: change positions", change="positions"),
    Setting(
        "da_crop_large_colour",
        "DA: crop (large) + colour distortion",
        augmentation="crop_large_colour_distortion",
    ),
    Setting(
        "da_crop_small_colour",
        "DA: crop (small) + colour distortion",
        augmentation="crop_small_colour_distortion",
    ),
    Setting("lt_positions_hues", "LT: change positions + hues", change="positions+hues"),
    Setting("da_rotation", "DA: rotation", augmentation="rotation"),
    Setting("lt_rotations", "LT: change rotations", change="rotations"),
    Setting(
        "da_rotation_colour",
        "DA: rotation + colour distortion",
        augmentation="rotation_colour_distortion",
    ),
    Setting("lt_rotations_hues", "LT: change rotations + hues", change="rotations+hues"),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType({setting.name: setting for setting in _ALL})


def get(name: str) -> Setting:
    """The setting of that name.

    Raises:
        InputError: there is none; the message names the nearest.

    Examples:
        >>> get("lt_hues").title
        'LT: change hues'
    """
    return SETTINGS[one_of("setting", name, SETTINGS)]
