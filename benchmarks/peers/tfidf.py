"""TF-IDF of words and pairs of words with logistic regression, in scikit-learn; reads no pretrained model."""

import time
from dataclasses import dataclass

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from peers import common


@dataclass(frozen=True)
class TfidfSettings(common.Files):
    """Files, columns, and how the regularization is chosen."""

    text: str = "text"
    label: str = "label"
    strengths: tuple[float, ...] = (1.0, 10.0)
    """scikit-learn's C."""
    n_folds: int = 3


def run(settings: TfidfSettings) -> None:
    """Fits, evaluates and writes the report."""
    train, scored = common.records(settings.train), common.records(common.scored(settings))
    began = time.perf_counter()
    found = _search(settings).fit([row[settings.text] for row in train], [row[settings.label] for row in train])
    train_s = time.perf_counter() - began
    accuracy = found.score([row[settings.text] for row in scored], [row[settings.label] for row in scored])
    n_parameters = sum(part.size for part in (found.best_estimator_[-1].coef_, found.best_estimator_[-1].intercept_))
    outcome = common.Outcome({"accuracy": float(accuracy)}, train_s, len(train), n_parameters, n_parameters)
    common.write(settings, outcome, {"train": len(train), "scored": len(scored)})


def _search(settings: TfidfSettings) -> GridSearchCV:
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    folds = StratifiedKFold(settings.n_folds, shuffle=True, random_state=settings.seed)
    grid = {"logisticregression__C": list(settings.strengths)}
    return GridSearchCV(make_pipeline(words, LogisticRegression(max_iter=1000)), grid, cv=folds)


if __name__ == "__main__":
    run(common.settings_of(TfidfSettings))
