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
    files = (settings.train, common.scored(settings))
    train, scored = (common.labelled(path, settings.text, settings.label) for path in files)
    began = time.perf_counter()
    found = _search(settings).fit(train.texts, train.labels)
    train_s = time.perf_counter() - began
    metrics = common.scores(scored.labels, found.predict(scored.texts).tolist())
    n_parameters = sum(part.size for part in (found.best_estimator_[-1].coef_, found.best_estimator_[-1].intercept_))
    outcome = common.Outcome(metrics, train_s, len(train.texts), n_parameters, n_parameters)
    n_rows = {"train": len(train.texts), "scored": len(scored.texts)}
    common.write(settings, outcome, n_rows, {"chosen": found.best_params_})


def _search(settings: TfidfSettings) -> GridSearchCV:
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    folds = StratifiedKFold(settings.n_folds, shuffle=True, random_state=settings.seed)
    grid = {"logisticregression__C": list(settings.strengths)}
    return GridSearchCV(make_pipeline(words, LogisticRegression(max_iter=1000)), grid, cv=folds)


if __name__ == "__main__":
    run(common.settings_of(TfidfSettings))
