"""Models of runs: kept in formats that are safe to read, pickles only on demand."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from padre_git.api.store import Store
from padre_git.errors import (
    ArtifactError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
)

X, Y = load_iris(return_X_y=True)


def fitted() -> object:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(X, Y)


def test_an_estimator_comes_back(store: Store) -> None:
    model = fitted()
    with store.start_run("iris/svm") as run:
        assert run.log_model(model) == "model.skops"
    again = store.models.load(run.key)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))  # type: ignore[attr-defined]


def test_tensors_come_back(store: Store) -> None:
    tensors = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(2, dtype=np.int8)}
    with store.start_run("iris/svm") as run:
        assert run.log_model(tensors, "nets/small") == "nets/small.safetensors"
    again = store.models.load(run.key, "nets/small")
    assert again.keys() == tensors.keys()
    np.testing.assert_array_equal(again["w"], tensors["w"])
    assert (again["w"].dtype, again["b"].dtype) == (np.float32, np.int8)


def test_a_model_of_onnx_comes_back(store: Store) -> None:
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    model = helper.make_model(graph)
    with store.start_run("iris/svm") as run:
        assert run.log_model(model) == "model.onnx"
    assert store.models.load(run.key) == model


def test_onnx_is_not_led_to_files_elsewhere(store: Store, tmp_path: Path) -> None:
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    weights.ClearField("float_data")
    weights.data_location = TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", "../../../../../../etc/passwd"
    graph = helper.make_graph([], "g", [], [], initializer=[weights])
    (tmp_path / "model.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    with store.start_run("iris/svm") as run:
        run.log_artifact(tmp_path / "model.onnx")
    loaded = store.models.load(run.key)
    assert isinstance(loaded, onnx.ModelProto)
    assert not loaded.graph.initializer[0].raw_data


def test_checkpoints_stand_beside_each_other(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        for step in (5, 100, 20):
            run.log_model({"w": np.array([step])}, "net", step=step)
    assert store.models.list(run.key) == [f"net/{n:010d}.safetensors" for n in (5, 20, 100)]
    assert store.models.load(run.key, "net", step=20)["w"] == 20
    assert store.models.load(run.key, "net")["w"] == 100
    with pytest.raises(NotFoundError, match=r"'net' of step 7"):
        store.models.load(run.key, "net", step=7)


@pytest.mark.parametrize("step", [-1, 1.5, True])
def test_a_step_is_a_whole_number(store: Store, step: object) -> None:
    with store.start_run("iris/svm") as run, pytest.raises(InvalidInputError, match="not a step"):
        run.log_model({"w": np.zeros(1)}, step=step)  # type: ignore[arg-type]


def test_what_fits_no_safe_format_is_refused(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        with pytest.raises(InvalidInputError, match="no safe format fits set"):
            run.log_model({1, 2})
        with pytest.raises(InvalidInputError, match="cannot keep dict as safetensors"):
            run.log_model({"w": [1, 2]})
        with pytest.raises(InvalidInputError, match="no format of models: 'pickle'"):
            run.log_model(fitted(), format="pickle")
    assert store.artifacts.list(run.key) == []


class Marker:
    """Writes a file when it is read from a pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, bytes]]:
        return _touch, (str(self.path), b"run")


def _touch(path: str, data: bytes) -> str:
    Path(path).write_bytes(data)
    return path


def test_a_pickle_is_read_by_a_verb_of_its_own_only(store: Store, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    with store.start_run("iris/svm") as run:
        assert run.log_model(Marker(canary), format="joblib") == "model.joblib"
    with pytest.raises(ArtifactError, match="is a pickle") as failed:
        store.models.load(run.key)
    assert "unpickle" in str(failed.value.hint)
    assert not canary.exists()
    assert store.models.unpickle(run.key) == str(canary)
    assert canary.exists()


@pytest.mark.parametrize("ending", ["skops", "safetensors", "onnx"])
def test_a_pickle_under_another_name_is_not_run(store: Store, tmp_path: Path, ending: str) -> None:
    canary = tmp_path / "canary"
    file = tmp_path / f"model.{ending}"
    file.write_bytes(pickle.dumps(Marker(canary)))
    with store.start_run("iris/svm") as run:
        run.log_artifact(file)
    with pytest.raises(ArtifactError, match="cannot read"):
        store.models.load(run.key)
    with pytest.raises(ArtifactError, match="no pickle"):
        store.models.unpickle(run.key)
    assert not canary.exists()


def test_types_that_are_not_known_are_named_and_not_made(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        run.log_model(FunctionTransformer(_touch))
    with pytest.raises(InvalidInputError, match=r"test_models\._touch"):
        store.models.load(run.key)
    again = store.models.load(run.key, trusted=[f"{__name__}._touch"])
    assert again.func is _touch


def test_one_name_in_two_formats_has_to_be_said(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        run.log_model({"w": np.zeros(1)})
        run.log_model(fitted())
    with pytest.raises(InvalidInputError, match="several formats"):
        store.models.load(run.key)
    assert store.models.load(run.key, "model.safetensors")["w"] == 0


def test_a_library_that_is_missing_is_named(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        run.log_model({"w": np.zeros(1)})
    script = (
        "import sys; sys.modules['safetensors'] = None; import padre_git\n"
        f"store = padre_git.open({str(store.root)!r})\n"
        "try:\n"
        f"    store.models.load({run.key.text!r})\n"
        "except padre_git.UnsupportedError as error:\n"
        "    print(error.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "pip install safetensors\n"
    assert UnsupportedError.__name__ not in done.stderr
