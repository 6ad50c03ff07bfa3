# SPDX-License-Identifier: Apache-2.0
"""Weights of a graph in fewer bits; a first step of the graph makes numbers of 32 bits of them."""

from __future__ import annotations

from typing import Any

import numpy as np

#: smaller arrays (biases, scales) are left as they are: they cost little and matter much
_SMALLEST = 256


def store_as_half(model: Any) -> int:
    """Store large arrays of weights with 16 bits.

    Parameters
    ----------
    model
        An ``onnx.ModelProto``; it is changed.

    Returns
    -------
    How many arrays were changed.

    Notes
    -----
    The relative error of a weight is at most 2^-11. Numbers beyond 65504 would become infinite;
    an array that holds one is left as it is.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes = []
    for array, values in _large(model):
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = array.name
        array.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        nodes.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    _put_first(model, nodes)
    return len(nodes)


def store_as_int8(model: Any) -> int:
    """Store large arrays of weights with 8 bits and a scale for each output channel.

    Parameters
    ----------
    model
        An ``onnx.ModelProto``; it is changed.

    Returns
    -------
    How many arrays were changed.

    Notes
    -----
    Symmetric: the largest weight of a channel becomes 127, so the error of a weight is at most
    1/254 of it. Channels are the first axis of a convolution and the last of a matrix.
    """
    from onnx import helper, numpy_helper

    nodes, scales = [], []
    for array, values in _large(model):
        name, axis = array.name, 0 if values.ndim == 3 else values.ndim - 1
        others = tuple(k for k in range(values.ndim) if k != axis)
        scale = np.maximum(np.abs(values).max(axis=others), 1e-12) / 127
        wide = scale.reshape([-1 if k == axis else 1 for k in range(values.ndim)])
        small = np.clip(np.rint(values / wide), -127, 127).astype(np.int8)
        array.CopyFrom(numpy_helper.from_array(small, f"{name}.int8"))
        scales.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"))
        nodes.append(
            helper.make_node(
                "DequantizeLinear", [f"{name}.int8", f"{name}.scale"], [name], axis=axis
            )
        )
    model.graph.initializer.extend(scales)
    _put_first(model, nodes)
    return len(nodes)


def _large(model: Any) -> list[tuple[Any, np.ndarray]]:
    from onnx import TensorProto, numpy_helper

    return [
        (array, numpy_helper.to_array(array))
        for array in model.graph.initializer
        if array.data_type == TensorProto.FLOAT
        and len(array.dims) >= 2
        and int(np.prod(array.dims)) >= _SMALLEST
    ]


def _put_first(model: Any, nodes: list[Any]) -> None:
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])
