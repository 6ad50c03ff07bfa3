# SPDX-License-Identifier: Apache-2.0
import multiprocessing
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import SignalError, UnknownNameError, WeightsError
from precordia.models.familiar import distance_from
from precordia.models.runtime import SLICE, load_graph
from precordia.models.shipped import is_there


@pytest.fixture
def path(tiny_graph, tmp_path):
    return tiny_graph.build(tmp_path)


def windows(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 12, 1000)).astype(np.float32)


@pytest.mark.parametrize("n", [0, 1, SLICE, SLICE + 1])
def test_any_number_of_windows_gives_as_many_answers(path, n):
    x = windows(n)
    said = load_graph(path)(x)
    np.testing.assert_allclose(said.embedding, (x**2).mean(axis=2), rtol=1e-4)
    assert said.logits.shape == (n, 10)


def test_leads_that_are_not_there_do_not_count(tiny_graph, tmp_path):
    graph = load_graph(tiny_graph.build(tmp_path, any_lead=True))
    present = np.zeros((2, 12), bool)
    present[:, 1] = True
    embedding = graph(windows(2), present).embedding
    assert (embedding[:, 1] > 0).all()
    assert not np.delete(embedding, 1, axis=1).any()


def test_a_graph_for_twelve_leads_refuses_fewer(path):
    with pytest.raises(SignalError, match="needs all 12"):
        load_graph(path)(windows(1), np.zeros((1, 12), bool))


def test_windows_of_another_shape_are_refused(path):
    with pytest.raises(SignalError, match=r"takes \(window, 12, 1000\)"):
        load_graph(path)(np.zeros((1, 12, 999), np.float32))


def test_a_graph_is_loaded_once(path):
    assert load_graph(path) is load_graph(path)


def test_many_threads_get_the_same_graph_and_answers(path):
    x, graphs, answers = windows(4), [], []

    def ask():
        graph = load_graph(path)
        graphs.append(id(graph))
        answers.append(graph(x).embedding)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(graphs)) == 1
    assert all(np.array_equal(a, answers[0]) for a in answers)


def _first_number(path, queue):
    queue.put(float(load_graph(path)(windows(1)).embedding[0, 0]))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_runs_the_graph_too(path):
    here = float(load_graph(path)(windows(1)).embedding[0, 0])
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=_first_number, args=(path, queue))
    process.start()
    assert queue.get(timeout=30) == here
    process.join(30)


def test_a_damaged_graph_is_told_by_its_checksum(path):
    data = bytearray(Path(path).read_bytes())
    data[len(data) // 2] ^= 1
    Path(path).write_bytes(data)
    with pytest.raises(WeightsError, match="damaged"):
        load_graph(path)


def test_a_card_without_a_checksum_is_refused(path, tmp_path):
    card = tmp_path / "tiny.toml"
    card.write_text(card.read_text().replace("sha256", "sha"))
    with pytest.raises(WeightsError, match="its card says nothing"):
        load_graph(path)


def test_a_graph_without_its_card_or_statistics_is_refused(path, tmp_path):
    (tmp_path / "tiny.npz").unlink()
    with pytest.raises(WeightsError, match=r"tiny\.npz"):
        load_graph(path)
    (tmp_path / "tiny.toml").unlink()
    assert not is_there(path)
    with pytest.raises(WeightsError, match="card"):
        load_graph(path)


def test_classes_and_logits_must_agree(path, tmp_path):
    card = tmp_path / "tiny.toml"
    card.write_text(card.read_text().replace("'NDT'", "'NDT', 'EL'"))
    with pytest.raises(WeightsError, match="10 logits"):
        load_graph(path)


def test_a_graph_of_other_names_is_refused(path, tmp_path, tiny_graph):
    import hashlib

    import onnx

    model = onnx.load(path)
    for node in model.graph.node:
        node.output[:] = ["answers" if o == "logits" else o for o in node.output]
    model.graph.output[0].name = "answers"
    onnx.save(model, path)
    card = tmp_path / "tiny.toml"
    lines = card.read_text().splitlines()
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    lines = [f'sha256 = "{digest}"' if x.startswith("sha256") else x for x in lines]
    card.write_text("\n".join(lines))
    with pytest.raises(WeightsError, match="answers"):
        load_graph(path)


def test_an_unknown_model_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'precordia-12lead'"):
        load_graph("precordia-12leads")


def test_the_distance_is_one_at_the_limit(path):
    familiar = load_graph(path).familiar
    vector = np.zeros(12)
    vector[3] = familiar.limit
    assert distance_from(familiar, vector) == pytest.approx(1.0)
    assert distance_from(familiar, 2 * vector) == pytest.approx(2.0)


def test_running_a_graph_loads_no_training_framework(path, tmp_path):
    code = (
        "import sys, numpy as np; from precordia.models.runtime import load_graph;"
        f"load_graph({path!r})(np.zeros((1, 12, 1000), np.float32)); print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "onnx", "scipy.signal", "matplotlib"} & set(run.stdout.split())


def test_a_copy_elsewhere_is_another_graph(path, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for ending in (".onnx", ".toml", ".npz"):
        shutil.copy(path.replace(".onnx", ending), other)
    assert load_graph(str(other / "tiny.onnx")).version == load_graph(path).version
