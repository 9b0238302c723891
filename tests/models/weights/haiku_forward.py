"""Haiku's ResNet-50 v1 written out on its own parameters, for the tests: its layers by the names
that Haiku gives them, images as (n, h, w, channels), windows placed by "SAME" one by one."""

import numpy as np

GROUPS = ((3, 256, 1), (4, 512, 2), (6, 1024, 2), (3, 2048, 2))
"""Blocks, channels and first stride of each group."""

Modules = dict[str, dict[str, np.ndarray]]


def random_resnet50(seed: int, n_classes: int = 7) -> tuple[Modules, Modules]:
    """Parameters and state under BYOL's names, with a classifier and a projector beside them."""
    rng = np.random.default_rng(seed)
    parameters: Modules = {}
    state: Modules = {}

    def convolution(name: str, kernel: int, d_in: int, d_out: int, norm: str) -> None:
        deviation = np.float32(np.sqrt(2 / (kernel * kernel * d_in)))
        w = deviation * rng.standard_normal((kernel, kernel, d_in, d_out), dtype=np.float32)
        parameters[name] = {"w": w}
        shape = (1, 1, 1, d_out)
        parameters[norm] = {
            "scale": 0.5 + 0.5 * rng.random(shape, dtype=np.float32),
            "offset": 0.1 * rng.standard_normal(shape, dtype=np.float32),
        }
        for ema, average in (
            ("mean_ema", 0.1 * rng.standard_normal(shape, dtype=np.float32)),
            ("var_ema", 0.5 + rng.random(shape, dtype=np.float32)),
        ):
            state[f"{norm}/~/{ema}"] = {
                "counter": np.array(3, np.int32),
                "hidden": 9 * average,
                "average": average,
            }

    root = "res_net50/~"
    convolution(f"{root}/initial_conv", 7, 3, 64, f"{root}/initial_batchnorm")
    d_in = 64
    for group, (blocks, channels, _) in enumerate(GROUPS):
        for block in range(blocks):
            at, inner = f"{root}/block_group_{group}/~/block_{block}/~", channels // 4
            if block == 0:
                convolution(f"{at}/shortcut_conv", 1, d_in, channels, f"{at}/shortcut_batchnorm")
            convolution(f"{at}/conv_0", 1, d_in, inner, f"{at}/batchnorm_0")
            convolution(f"{at}/conv_1", 3, inner, inner, f"{at}/batchnorm_1")
            convolution(f"{at}/conv_2", 1, inner, channels, f"{at}/batchnorm_2")
            d_in = channels
    w = rng.standard_normal((2048, n_classes), dtype=np.float32) / 45
    parameters["classifier"] = {"w": w, "b": rng.random(n_classes, dtype=np.float32)}
    parameters["projector/linear"] = {"w": np.ones((2048, 4), np.float32)}
    return parameters, state


def features(parameters: Modules, state: Modules, images: np.ndarray) -> np.ndarray:
    """(n, h, w, 3) standardised images -> (n, 2048)."""

    def normalised(x: np.ndarray, name: str) -> np.ndarray:
        mean, variance = (state[f"{name}/~/{ema}"]["average"] for ema in ("mean_ema", "var_ema"))
        scale = parameters[name]["scale"] / np.sqrt(variance + 1e-5)
        return (x - mean) * scale + parameters[name]["offset"]

    def layer(x: np.ndarray, at: str, name: str, norm: str, stride: int = 1) -> np.ndarray:
        w = parameters[f"{at}/{name}"]["w"]
        seen = windows(x, w.shape[0], stride, fill=0.0)
        flat = seen.reshape(*seen.shape[:3], -1) @ w.reshape(-1, w.shape[3])
        return normalised(flat, f"{at}/{norm}")

    root = "res_net50/~"
    x = np.maximum(layer(images, root, "initial_conv", "initial_batchnorm", 2), 0)
    x = windows(x, 3, 2, fill=-np.inf).max((3, 4))
    for group, (blocks, _, first_stride) in enumerate(GROUPS):
        for block in range(blocks):
            at, stride = f"{root}/block_group_{group}/~/block_{block}/~", 1
            shortcut = x
            if block == 0:
                stride = first_stride
                shortcut = layer(x, at, "shortcut_conv", "shortcut_batchnorm", stride)
            x = np.maximum(layer(x, at, "conv_0", "batchnorm_0"), 0)
            x = np.maximum(layer(x, at, "conv_1", "batchnorm_1", stride), 0)
            x = np.maximum(layer(x, at, "conv_2", "batchnorm_2") + shortcut, 0)
    return x.mean((1, 2))


def windows(x: np.ndarray, kernel: int, stride: int, *, fill: float) -> np.ndarray:
    """(n, h, w, c) -> (n, ceil(h / stride), ceil(w / stride), kernel, kernel, c)."""
    n, h, w, channels = x.shape
    rows, columns = -(-h // stride), -(-w // stride)
    top = max((rows - 1) * stride + kernel - h, 0) // 2
    left = max((columns - 1) * stride + kernel - w, 0) // 2
    canvas = np.full((n, h + 2 * kernel, w + 2 * kernel, channels), fill, x.dtype)
    canvas[:, top : top + h, left : left + w] = x
    out = np.empty((n, rows, columns, kernel, kernel, channels), x.dtype)
    for i in range(rows):
        for j in range(columns):
            y, z = i * stride, j * stride
            out[:, i, j] = canvas[:, y : y + kernel, z : z + kernel]
    return out
