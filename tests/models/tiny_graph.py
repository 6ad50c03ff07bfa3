# SPDX-License-Identifier: Apache-2.0
"""A graph small enough to know its answers: the mean square of each lead, and a linear head."""

import hashlib

import numpy as np

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
#: superclasses, then statements: those of rules (SR, AFIB, VCLVH) and two of models alone
CLASSES = (*SUPERCLASSES, "SR", "AFIB", "VCLVH", "NDT", "DIG")
INPUT = """
[input]
leads = "standard-12"
fs = 100.0
seconds = 10.0
missing_leads = "{missing}"
steps = [
  {{ step = "fill-gaps", longest_s = 2.0 }},
  {{ step = "resample" }},
  {{ step = "window", take = "all" }},
]
"""


def logit(p):
    return float(np.log(p / (1 - p)))


def build(folder, stem="tiny", *, any_lead=False, says=None, slope=1.0, limit=3.0, head=None):
    """Write a graph and its card; ``says`` gives each class the probability of its answer.

    The embedding is the mean square of each of the twelve leads, in mV²; ``head`` adds to logits:
    ``{(lead, class): weight}``.
    """
    from onnx import TensorProto, checker, helper, numpy_helper, save

    says = dict.fromkeys(CLASSES, 0.1) | (says or {})
    bias = np.array([logit(says[c]) / slope for c in CLASSES], np.float32)
    linear = np.zeros((12, len(CLASSES)), np.float32)
    for (lead, code), weight in (head or {}).items():
        linear[lead, CLASSES.index(code)] = weight
    weights = {"head": linear, "bias": bias}
    nodes = [
        helper.make_node("Mul", ["window", "window"], ["square"]),
        helper.make_node("ReduceMean", ["square"], ["power"], axes=[2], keepdims=0),
        helper.make_node("Gemm", ["embedding", "head", "bias"], ["logits"]),
    ]
    inputs = [helper.make_tensor_value_info("window", TensorProto.FLOAT, ["batch", 12, 1000])]
    if any_lead:
        nodes.insert(2, helper.make_node("Mul", ["power", "present"], ["embedding"]))
        inputs.append(helper.make_tensor_value_info("present", TensorProto.FLOAT, ["batch", 12]))
    else:
        nodes.insert(2, helper.make_node("Identity", ["power"], ["embedding"]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        inputs,
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(CLASSES)]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 12]),
        ],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    path = folder / f"{stem}.onnx"
    save(model, path)
    np.savez(folder / f"{stem}.npz", mean=np.zeros(12), precision=np.eye(12))
    numbers = "\n".join(f'"{c}" = {{ slope = {slope}, intercept = 0.0 }}' for c in CLASSES)
    card = f"""name = "{stem}"
task = "tells its own bias"
data = []
sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}"
rebuild = "tests/models/tiny_graph.py"
classes = {list(CLASSES)}
licence = {{ weights = "Apache-2.0" }}
scores = {{}}
{INPUT.format(missing="zero" if any_lead else "refuse")}
[calibration]
{numbers}
[thresholds]
{chr(10).join(f'"{c}" = 0.5' for c in CLASSES)}
[familiar]
limit = {limit}
"""
    path.with_suffix(".toml").write_text(card)
    return str(path)
