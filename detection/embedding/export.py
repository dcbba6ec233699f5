"""CLIP's image encoder out of a file of weights, as ONNX: the main program of a process that is no part of the service.

    weights (open_clip's, torch or safetensors) → torch → ONNX, 32 bits → ONNX, matrices in 8 bits → how alike they are

Rules
- Nothing is fetched: a hook refuses every connection, name look-up and new program that Python code asks for, before
  torch or open_clip load. Code under Python is not held by it.
- Weights are read as tensors alone: a file that would run code when it is unpickled is refused.
- How alike they are is measured on pictures through the service's own preparation (`network.put`), against torch with
  open_clip's: that is what an error of ours in between would show in.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detection.embedding.card import FORM, Fit, Form
from detection.embedding.network import Network
from detection.pixels import normalised

OPSET: Final = 18
_REFUSED: Final = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork")
"""How Python's audit events begin that ask for a network or another program."""


def main(weights: str, architecture: str, out: str, name: str, pictures: Sequence[str]) -> None:
    """Write `name`.onnx and `name`.int8.onnx into the folder `out`; print what they are as one JSON object.

    Raises ValueError for an architecture that open_clip does not have, or weights that are not of it.
    """
    sys.addaudithook(_refuse)
    model, prepare = _loaded(weights, architecture)
    form = _form(model)
    full, small = Path(out) / f"{name}.onnx", Path(out) / f"{name}.int8.onnx"
    _export(model, form, full)
    _quantise(full, small)
    shown = [normalised(Image.open(one).convert("RGB")) for one in pictures]
    told = _compared(model, prepare, form, {"onnx": full, "int8": small}, [*shown, *_quarters(shown)])
    print(json.dumps({"form": FORM.dump_python(form, mode="json"), **told}))  # noqa: T201 -- what the parent reads


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    if event.startswith(_REFUSED):
        raise PermissionError(f"exporting fetches and starts nothing: {event}")


def _loaded(weights: str, architecture: str) -> tuple[Any, Callable[[Image.Image], Any]]:
    """The model, and open_clip's own preparation of a picture."""
    import torch

    _OPERATORS.append(_torchvision(torch))
    import open_clip
    from open_clip.transform import PreprocessCfg, image_transform_v2

    if architecture not in (known := open_clip.list_models()):
        raise ValueError(f"open_clip has no architecture {architecture}: it has {', '.join(known)}")
    model = open_clip.create_model(architecture, load_weights=False, pretrained_text=False)
    try:
        open_clip.load_checkpoint(model, weights, weights_only=True)
    except Exception as error:  # open_clip, torch and pickle each have their own
        raise ValueError(f"these are no weights of {architecture}: {' '.join(str(error).split())[:300]}") from error
    model.eval()
    return model, image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)


def _torchvision(torch: Any) -> Any:
    """Where torchvision's own operators do not load (PyPI's wheel beside a CPU build of torch), it is imported once
    they have names. open_clip calls none.
    """
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [one for one in sys.modules if one.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        named = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            named.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return named
    return None


def _form(model: Any) -> Form:
    """How open_clip puts pictures before this model."""
    said = model.visual.preprocess_cfg
    side = said["size"][0] if isinstance(said["size"], tuple | list) else said["size"]
    if said["interpolation"] != "bicubic" or said["mode"] != "RGB":
        raise ValueError(f"pictures are put before it as is not done here: {said}")
    fit = {"shortest": Fit.CROP, "squash": Fit.SQUASH}[said["resize_mode"]]
    return Form(side, fit, tuple(said["mean"]), tuple(said["std"]))


def _export(model: Any, form: Form, file: Path) -> None:
    import torch

    with torch.no_grad():
        torch.onnx.export(
            model.visual,
            (torch.zeros(1, 3, form.side, form.side),),
            str(file),
            input_names=["picture"],
            output_names=["direction"],
            opset_version=OPSET,
            external_data=False,
        )


def _quantise(full: Path, small: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(str(full), str(small), weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"])


def _compared(
    model: Any, prepare: Callable[[Image.Image], Any], form: Form, files: dict[str, Path], shown: Sequence[Image.Image]
) -> dict[str, Any]:
    """Of each file, and of torch: milliseconds a picture, and cosines to torch's directions."""
    import torch

    torch.set_num_threads(1)

    def by_torch(picture: Image.Image) -> Any:
        with torch.no_grad():
            found = model.encode_image(prepare(picture)[None])[0].numpy()
        return found / np.linalg.norm(found)

    theirs, taken = _timed(by_torch, shown)
    told: dict[str, Any] = {"pictures": len(shown), "dimensions": theirs.shape[1], "torch": {"milliseconds": taken}}
    for name, file in files.items():
        network = Network.load(file.read_bytes())
        ours, taken = _timed(partial(network.embed, form=form), shown)
        cosines = (ours * theirs).sum(axis=1)
        told[name] = {
            "file": file.name,
            "digest": network.digest,
            "bytes": file.stat().st_size,
            "milliseconds": taken,
            "least_cosine": float(cosines.min()),
            "mean_cosine": float(cosines.mean()),
        }
    return told


def _timed(embed: Callable[[Image.Image], Any], shown: Sequence[Image.Image]) -> tuple[NDArray[np.float32], float]:
    """Their directions, one a row, and the median of the milliseconds each took."""
    embed(shown[0])
    found, taken = [], []
    for picture in shown:
        begun = time.perf_counter()
        found.append(embed(picture))
        taken.append(1000 * (time.perf_counter() - begun))
    return np.stack(found), float(np.median(taken))


def _quarters(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """Of each picture, as pictures of their own."""
    found = []
    for one in pictures:
        width, height = one.width // 2, one.height // 2
        for x, y in ((0, 0), (width, 0), (0, height), (width, height)):
            found.append(one.crop((x, y, x + width, y + height)))
    return found


_OPERATORS: Final[list[Any]] = []
"""Held as long as the process lasts, as torch wants it."""
