"""Renders a scene with Blender's Cycles; runs inside Blender or a Python that has bpy.

    python blender_worker.py FOLDER
    blender --background --factory-startup --python blender_worker.py -- FOLDER

It stands alone: `cycles.py`, its parent, may run under another Python, so the two share nothing but
a folder and two pipes. In the folder lie scene.json, all numbers of the scene and the settings, and
meshes.npz, with arrays vertices_CLASS, faces_CLASS and normals_CLASS. It answers on the standard
output, after whatever Blender says at its start:

    causal-ssl {"blender": "4.5.1", "device": "CPU", ...}     or     causal-ssl {"error": "..."}

Then each line on the standard input, a JSON object with the class and the frame of one image, is
answered by size * size * 3 bytes, the image's rows from the top. When its input ends, so does it,
and removes the folder.
"""

import json
import os
import shutil
import sys
import traceback
from math import atan, sqrt
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, BinaryIO

import numpy as np

try:
    import bpy
    from mathutils import Vector  # type: ignore[import-not-found]
except ImportError as error:  # main tells the parent
    bpy, missing = None, str(error)

Arrays = tuple[Any, Any, Any]

GREETING = b"causal-ssl "
GPUS = ("OPTIX", "CUDA", "HIP", "METAL", "ONEAPI")


class NoGpu(Exception):
    """Cycles was to run on a GPU and finds none."""


class Stage:
    """The scene in Blender: built once, moved and coloured for each image.

    Args:
        numbers: of the scene, as `scene.Scene` has them.
        meshes: class index -> (vertices, faces, normals).
    """

    def __init__(self, numbers: dict[str, Any], meshes: dict[int, Arrays]) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        material, self.object_colour = rubber("object", numbers["material"])
        self.meshes = {each: solid(*mesh, material) for each, mesh in meshes.items()}
        self.object = self._placed("object", next(iter(self.meshes.values())))
        self.object.scale = (numbers["object_scale"],) * 3
        self._ground(numbers)
        self._camera(numbers)
        self._lamps(numbers["lamps"])

    def show(self, frame: dict[str, Any]) -> None:
        """Arrange everything for one image; `frame`: its class and one row of each of `Frames`."""
        self.object.data = self.meshes[frame["class"]]
        self.object.location = frame["position"]
        self.object.rotation_euler = frame["rotation"]
        self.spot.location = frame["spotlight"]
        self.spot.rotation_euler = aim(frame["spotlight"], frame["position"])
        self.spot.data.color = frame["spotlight_colour"]
        self.object_colour.default_value = (*frame["object_colour"], 1)
        self.ground_colour.default_value = (*frame["ground_colour"], 1)

    def _ground(self, numbers: dict[str, Any]) -> None:
        material, self.ground_colour = rubber("ground", numbers["material"])
        half = numbers["ground_size"] / 2
        mesh = bpy.data.meshes.new("ground")
        corners = [(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)]
        mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
        mesh.materials.append(material)
        self._placed("ground", mesh, (0, 0, -numbers["depth"]))

    def _camera(self, numbers: dict[str, Any]) -> None:
        lens = bpy.data.cameras.new("camera")
        lens.angle = 2 * atan(numbers["field_of_view"])
        self.scene.camera = self._placed("camera", lens, numbers["camera"])
        self.scene.camera.rotation_euler = aim(numbers["camera"], (0, 0, 0))

    def _lamps(self, lamps: dict[str, float]) -> None:
        # A lamp's own direction is straight down.
        sun = self._lamp("SUN", lamps["sun_strength"], (0, 0, lamps["area_height"]))
        sun.data.angle = lamps["sun_angle"]
        area = self._lamp("AREA", lamps["area_power"], (0, 0, lamps["area_height"]))
        area.data.shape, area.data.size = "SQUARE", lamps["area_size"]
        self.spot = self._lamp("SPOT", lamps["spot_power"], (0, 0, 0))
        self.spot.data.spot_size = lamps["spot_cone"]
        self.spot.data.spot_blend = lamps["spot_blend"]
        self.spot.data.shadow_soft_size = lamps["spot_radius"]

    def _lamp(self, kind: str, energy: float, location: Any) -> Any:
        light = bpy.data.lights.new(kind.lower(), kind)
        light.energy = energy
        lamp = self._placed(kind.lower(), light, location)
        lamp.visible_camera = False
        return lamp

    def _placed(self, name: str, data: Any, location: Any = (0, 0, 0)) -> Any:
        placed = bpy.data.objects.new(name, data)
        placed.location = location
        self.scene.collection.objects.link(placed)
        return placed


def solid(vertices: Any, faces: Any, normals: Any, material: Any) -> Any:
    """A mesh with smooth normals of its own."""
    mesh = bpy.data.meshes.new("shape")
    mesh.from_pydata(vertices.tolist(), [], faces.tolist())
    mesh.shade_smooth()
    mesh.normals_split_custom_set_from_vertices(normals.tolist())
    mesh.materials.append(material)
    mesh.use_fake_user = True  # of the meshes only one has a user at a time
    return mesh


def rubber(name: str, numbers: dict[str, float]) -> tuple[Any, Any]:
    """The material, see `scene.Material`, and the socket that holds its colour."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()

    def node(kind: str, *inputs: Any, **named: Any) -> Any:
        made = tree.nodes.new(f"ShaderNode{kind}")
        for key, value in (*enumerate(inputs), *named.items()):
            if isinstance(value, bpy.types.NodeSocket):
                tree.links.new(value, made.inputs[key])
            else:
                made.inputs[key].default_value = value
        return made

    def mixed(ior: float, inner: Any, outer: Any) -> Any:
        weight = node("Fresnel", IOR=ior).outputs[0]
        return node("MixShader", weight, inner.outputs[0], outer.outputs[0])

    colour = node("RGB").outputs[0]
    diffuse = node("BsdfDiffuse", Color=colour)
    sheen = node("BsdfSheen", Color=colour, Roughness=numbers["sheen_roughness"])
    sheen.distribution = "ASHIKHMIN"
    grey = numbers["gloss_grey"]
    gloss = node("BsdfGlossy", Color=(grey,) * 3 + (1,), Roughness=sqrt(numbers["gloss_roughness"]))
    gloss.distribution = "BECKMANN"
    whole = mixed(numbers["gloss_ior"], mixed(numbers["sheen_ior"], diffuse, sheen), gloss)
    node("OutputMaterial", Surface=whole.outputs[0])
    return material, colour


def aim(start: Any, target: Any) -> Any:
    """Euler angles that turn what looks down -z at `start` to look at `target`, z up."""
    return (Vector(target) - Vector(start)).to_track_quat("-Z", "Y").to_euler()


def set_up(scene: Any, settings: dict[str, Any], file: Path) -> str:
    """Set what is rendered, how, and where to; the name of the device that renders."""
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x = render.resolution_y = settings["size"]
    render.resolution_percentage = 100
    if settings["threads"]:  # else one a core
        render.threads_mode, render.threads = "FIXED", settings["threads"]
    render.use_persistent_data = True  # a fifth less time at 64 px
    render.use_compositing = render.use_sequencer = False
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
    scene.display_settings.display_device = "sRGB"
    render.dither_intensity = 0  # dithered PNGs are 40 % larger and say no more
    # The 8-bit pixels of a PNG, in a form that numpy reads.
    render.image_settings.file_format, render.image_settings.color_mode = "TARGA_RAW", "RGB"
    render.filepath, render.use_file_extension = str(file), False
    cycles.samples, cycles.use_adaptive_sampling = settings["samples"], False
    cycles.max_bounces = 0
    cycles.use_light_tree = False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_quality = settings["denoising_quality"]
    cycles.denoising_prefilter = settings["denoising_prefilter"]
    cycles.device, name = device(settings["device"])
    return name


def device(wanted: str) -> tuple[str, str]:
    """What Cycles calls the device, CPU or GPU, and the device's own name.

    Raises:
        NoGpu: a GPU is wanted and there is none.
    """
    preferences = bpy.context.preferences.addons["cycles"].preferences
    for kind in GPUS if wanted != "cpu" else ():
        try:
            found = [d for d in preferences.get_devices_for_type(kind) if d.type == kind]
        except ValueError:  # this Blender was built without the kind
            continue
        if found:
            preferences.compute_device_type = kind
            for each in preferences.devices:
                each.use = each == found[0]
            return "GPU", f"{kind} {found[0].name}"
    if wanted == "gpu":
        raise NoGpu(f"Blender finds no GPU (looked for {', '.join(GPUS)})")
    return "CPU", "CPU"


def pixels(file: Path, size: int) -> bytes:
    """The rows of an uncompressed Targa file from the top, each pixel red, green, blue."""
    content = np.fromfile(file, np.uint8)
    if len(content) < 18 + 3 * size * size:
        raise OSError(f"{file}: an image of {len(content)} bytes")
    image = content[18 : 18 + 3 * size * size].reshape(size, size, 3)
    return image[::-1, :, ::-1].tobytes()


def prepared(folder: Path) -> tuple[Stage, dict[str, Any], str]:
    """The stage, the settings and the device's name."""
    told = json.loads((folder / "scene.json").read_text())
    arrays = np.load(folder / "meshes.npz")
    meshes = {
        each: (arrays[f"vertices_{each}"], arrays[f"faces_{each}"], arrays[f"normals_{each}"])
        for each in told["classes"]
    }
    stage = Stage(told["scene"], meshes)
    return stage, told["settings"], set_up(stage.scene, told["settings"], folder / "image")


def listen(requests: Queue[str], folder: Path) -> None:
    """Pass on the lines of the standard input. After the last one the parent is gone: end at once.

    In a thread of its own: an image may take minutes.
    """
    for line in sys.stdin:
        requests.put(line)
    shutil.rmtree(folder, ignore_errors=True)  # unless the parent was faster
    os._exit(0)


def serve(folder: Path, replies: BinaryIO) -> None:
    """Greet, then answer each line of the standard input by an image."""

    def say(message: dict[str, Any]) -> None:
        replies.write(GREETING + json.dumps(message).encode() + b"\n")
        replies.flush()

    if bpy is None:
        say({"error": missing, "kind": "import"})
        return
    try:
        stage, settings, name = prepared(folder)
    except NoGpu as error:
        say({"error": str(error), "kind": "device"})
        return
    say({"blender": bpy.app.version_string, "device": name})
    requests: Queue[str] = Queue()
    Thread(target=listen, args=(requests, folder), daemon=True).start()
    while True:
        line = requests.get()
        os.ftruncate(2, 0)  # Blender reports on every image: the log keeps the last one's
        stage.show(json.loads(line))
        bpy.ops.render.render(write_still=True)
        replies.write(pixels(folder / "image", settings["size"]))
        replies.flush()


def main() -> None:
    # Blender itself prints on the standard output: from here on that goes to the log.
    with os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)
        try:
            serve(Path(sys.argv[-1]), replies)
        except BaseException:
            traceback.print_exc()
            # An ordinary end would stumble over the thread that still waits for input.
            os._exit(1)


if __name__ == "__main__":
    main()
