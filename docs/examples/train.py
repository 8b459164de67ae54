"""Trains classifiers on a data set that ships with scikit-learn and records every run.

This is what a researcher's own script looks like. Run it in any git repository::

    PADRE_ROOT=~/research python train.py digits
"""

import argparse
import itertools
import tempfile
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import accuracy_score, f1_score, log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import padre_git

DATA = {"digits": load_digits, "breast-cancer": load_breast_cancer}
GRID = {"C": [0.1, 1.0, 10.0], "gamma": ["scale", 0.01]}
FOLDS = 5


def train(store, experiment, data, parameters, seed) -> None:
    """Records one run: 5 folds with indices, results, metrics, and the last fold's model."""
    with store.start_run(experiment, parameters, seed=seed) as run:
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(
            data.data, data.target
        )
        scores = []
        for number, (train_index, test_index) in enumerate(folds):
            model = make_pipeline(StandardScaler(), SVC(**parameters, random_state=seed))
            model.fit(data.data[train_index], data.target[train_index])
            truth = data.target[test_index]
            predicted = model.predict(data.data[test_index])
            margins = np.atleast_2d(model.decision_function(data.data[test_index]).T).T
            odds = np.exp(margins - margins.max(axis=1, keepdims=True))
            probabilities = odds / odds.sum(axis=1, keepdims=True) if odds.shape[1] > 1 else None
            score = {
                "accuracy": accuracy_score(truth, predicted),
                "f1_macro": f1_score(truth, predicted, average="macro"),
            }
            if probabilities is not None:
                score["log_loss"] = log_loss(truth, probabilities)
            run.put_split(number, train=train_index, test=test_index, metrics=score)
            run.put_results(number, truth, predicted, probabilities)
            run.log_metrics({f"fold/{name}": value for name, value in score.items()}, step=number)
            scores.append(score)
        run.log_metrics({name: np.mean([s[name] for s in scores]) for name in scores[0]})
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "model.joblib")
            joblib.dump(model, path)
            run.log_artifact(path)
    print(f"  {run.key.name}  {parameters}  accuracy {run.metrics['accuracy']:.4f}", flush=True)


def main() -> None:
    """Tries every combination of the grid."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("dataset", choices=sorted(DATA))
    arguments.add_argument("--project", default="demo")
    arguments.add_argument("--seed", type=int, default=7)
    options = arguments.parse_args()
    data = DATA[options.dataset]()
    with padre_git.open() as store:
        for values in itertools.product(*GRID.values()):
            parameters = dict(zip(GRID, values, strict=True))
            train(store, f"{options.project}/svm-{options.dataset}", data, parameters, options.seed)


if __name__ == "__main__":
    main()
