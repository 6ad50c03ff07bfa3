# SPDX-License-Identifier: Apache-2.0
"""Nothing that learns mixes the tensors of an accelerator with those of the processor.

test_accelerator.py WHAT OUT: one of the programs below, on the pretended accelerator; torchrun
starts two of them. See `pretended_accelerator` for what that shows and what it cannot.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from precordia.core.errors import OptionError
from precordia.models import device as device_module
from precordia.models.device import chosen_device, repeatable
from precordia.training.objective_table import OBJECTIVES

PROGRAM = Path(__file__)
#: sums in another order, over the steps of `STEPS`
TOLERANCE = 2e-4
STEPS = 2
#: dropout draws in each process for itself, and so would differ from that of one
NO_DROPOUT = {
    "wav2vec": ["model.dropout=0"],
    "cpc": ["model.dropout=0"],
    "simdino": ["model.drop_path=0"],
    "lejepa": ["model.drop_path=0"],
}
#: architectures that are too large for a test, made smaller
SMALLER = {
    "kim-jepa": {"width": 64, "depth": 2, "heads": 4},
    "heart-lang": {"width": 64, "depth": 2, "mlp_dim": 64},
    "ecg-fm": {"dim": 96, "depth": 2},
    "hubert-ecg": {"size": "small"},
    "melp": {"dim": 96, "depth": 2},
    "xecg": {"dim": 64},
    "net1d": {"size": "small"},
}
torch.set_num_threads(1)


def started(what: str, out: Path, n_processes: int = 1) -> dict:
    """Run a program and return what it wrote."""
    launcher = (
        *("-m", "torch.distributed.run", "--nproc-per-node", str(n_processes)),
        *("--master-port", str(29_700 + os.getpid() % 200)),
    )
    done = subprocess.run(
        [sys.executable, *(launcher if n_processes > 1 else ()), str(PROGRAM), what, str(out)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((out / "said.json").read_text())


def pretrained_losses(out: Path) -> dict[str, list[float]]:
    """Pretrain a little with every objective; return the loss of each step."""
    import tiny_pretraining as tiny

    found = {}
    patients = np.arange(24) // 2
    data = tiny.source(ages=30.0 + 3 * patients, males=patients % 2 * 1.0)
    for name in OBJECTIVES:
        tiny.pretrained(
            out / name, name, data=[data], steps=STEPS, options={},
            changes=["training.precision=float32", *NO_DROPOUT.get(name, ())],
        )  # fmt: skip
        lines = [json.loads(line) for line in (out / name / "log.jsonl").read_text().splitlines()]
        found[name] = [line["loss"] for line in lines if "loss" in line]
    return found


def trained_weights(out: Path) -> dict[str, list[float]]:
    """Train with running average, mixup, passes and batch norm; return every weight."""
    import test_division as division

    held = division.weights(torch.nn.BatchNorm1d, batch_size=64, accumulate=2)
    return {name: tensor.cpu().flatten().tolist() for name, tensor in held.items()}


def every_network(out: Path) -> dict[str, list[float]]:
    """Return gradients and embeddings of each architecture, and what a saved one embeds."""
    from precordia import embed, list_models, load_model
    from precordia.core.input_spec import InputSpec
    from precordia.core.input_steps import Resample, Window
    from precordia.core.leads import STANDARD_12
    from precordia.generation.simulate import simulate
    from precordia.models.frozen import encode_frozen

    found = {}
    windows = np.random.default_rng(0).normal(size=(2, 12, 256)).astype(np.float32)
    for name in list_models():
        smaller = SMALLER.get(name, {})
        model = load_model(name, n_outputs=3, n_leads=12, fs=100, seconds=2.56, seed=0, **smaller)
        model = model.to(chosen_device()).eval()
        model(torch.from_numpy(windows).to(chosen_device())).square().mean().backward()
        sizes = [p.grad.abs().sum() for p in model.parameters() if p.grad is not None]
        found[name] = [float(torch.stack(sizes).sum())]
        found[name] += np.ravel(encode_frozen(model, windows)).tolist()
    model = load_model("resnet1d", n_outputs=3, n_leads=12, fs=100, seconds=2.56, seed=0, width=4)
    spec = InputSpec(fs=100, seconds=2.56, leads=STANDARD_12, steps=(Resample(), Window()))
    model.save_pretrained(out / "saved", input_spec=spec)
    found["embed"] = embed(simulate("sinus", seed=1), model=str(out / "saved")).vector.tolist()
    return found


PROGRAMS = {"objectives": pretrained_losses, "training": trained_weights, "networks": every_network}


@pytest.fixture(scope="module")
def on_processor(tmp_path_factory) -> dict[str, dict[str, list[float]]]:
    """The same programs where tensors are those of the processor."""
    place = tmp_path_factory.mktemp("processor")
    sys.path.insert(0, str(PROGRAM.parent))
    try:
        with warnings.catch_warnings(action="ignore"):
            return {what: make(place / what) for what, make in PROGRAMS.items()}
    finally:
        sys.path.remove(str(PROGRAM.parent))


@pytest.mark.parametrize("what", ["training", "networks"])
def test_an_accelerator_computes_what_the_processor_does(what, on_processor, tmp_path):
    found = started(what, tmp_path)
    assert found.keys() == on_processor[what].keys()
    for name, values in found.items():
        assert values == pytest.approx(on_processor[what][name], rel=1e-5, abs=1e-6), name


@pytest.mark.parametrize("what", ["objectives", "training"])
def test_two_processes_under_the_rules_of_nccl_learn_what_one_does(what, on_processor, tmp_path):
    found = started(what, tmp_path, n_processes=2)
    for name, values in found.items():
        assert values == pytest.approx(on_processor[what][name], rel=TOLERANCE, abs=TOLERANCE), name


def test_what_an_accelerator_refuses_is_refused_here(tmp_path):
    said = started("refused", tmp_path)
    assert all("of the processor" in words for words in said["mixed"])
    assert len(said["mixed"]) == 4
    assert "not of cpu" in said["sent"]


@pytest.mark.parametrize(
    ("environment", "name", "words"),
    [
        ({"LOCAL_WORLD_SIZE": "3", "LOCAL_RANK": "0"}, "cuda", "started 3 processes.*there are 2"),
        ({"LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1"}, "cuda:0", "one of its own; use 'cuda'"),
        ({}, "cuda:2", "there are 2; use a lower number"),
    ],
)
def test_each_process_gets_an_accelerator_of_its_own(monkeypatch, environment, name, words):
    chosen = _with_two_accelerators(monkeypatch, environment)
    with pytest.raises(OptionError, match=words):
        chosen_device(name)
    assert chosen == []


def test_the_rank_or_the_environment_names_the_accelerator(monkeypatch):
    chosen = _with_two_accelerators(monkeypatch, {"LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1"})
    assert chosen_device("auto") == torch.device("cuda:1") == chosen[0]
    chosen = _with_two_accelerators(monkeypatch, {}, told="cuda:1")
    assert chosen_device("auto") == torch.device("cuda:1") == chosen[0]
    _with_two_accelerators(monkeypatch, {}, told="cpu")
    assert chosen_device("auto") == torch.device("cpu")
    assert chosen_device("cuda") == torch.device("cuda:0")


def _with_two_accelerators(monkeypatch, environment: dict, told: str = "auto") -> list:
    chosen: list[torch.device] = []
    for name in ("LOCAL_WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    place = type("Place", (), {"device": told})
    monkeypatch.setattr(device_module, "settings", lambda: place)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


def test_an_accelerator_is_told_to_be_repeatable_and_left_as_it_was():
    def told() -> tuple:
        cudnn = torch.backends.cudnn
        strict = torch.are_deterministic_algorithms_enabled()
        return cudnn.deterministic, cudnn.allow_tf32, cudnn.benchmark, strict

    before = told()
    with pytest.raises(ValueError, match="stop"), repeatable(torch.device("cuda")):
        assert told() == (True, False, False, True)
        raise ValueError("stop")
    assert told() == before
    with repeatable(torch.device("cpu")):
        assert told() == before


def _refused(out: Path) -> dict:
    import torch.distributed as dist
    from pretended_accelerator import DEVICE

    x = torch.ones(3, 2, device=DEVICE)
    drawn = torch.Generator()
    mistakes = {
        "other": lambda: x + torch.ones(3, 2),
        "index": lambda: torch.ones(3)[torch.zeros(1, dtype=torch.long, device=DEVICE)],
        "generator": lambda: torch.randn(3, generator=drawn, device=DEVICE),
        "layer": lambda: torch.nn.Linear(2, 2)(x),
    }
    os.environ |= {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    dist.init_process_group(dist.get_default_backend_for_device(DEVICE))
    return {
        "mixed": [_mistake(make) for make in mistakes.values()],
        "sent": _mistake(partial(dist.all_reduce, torch.ones(2))),
    }


def _mistake(make) -> str:
    try:
        make()
    except RuntimeError as error:
        return str(error)
    return ""


def main() -> None:
    import pretended_accelerator as pretended

    def chosen(name: str = "auto") -> torch.device:
        return torch.device("cpu") if name == "cpu" else pretended.DEVICE

    device_module.chosen_device = chosen
    globals()["chosen_device"] = chosen
    warnings.simplefilter("ignore")
    what, out = sys.argv[1], Path(sys.argv[2])
    said = {**PROGRAMS, "refused": _refused}[what](out)
    if os.environ.get("RANK", "0") == "0":
        (out / "said.json").write_text(json.dumps(said))
    pretended.leave()


if __name__ == "__main__":
    main()
