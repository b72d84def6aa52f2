"""Generated texts: shared words, ROUGE, BLEU and chrF, all from 0 to 1 (sacrebleu's 31.4 is 0.314 here).

exact_match and f1 compare words as for questions (nlptl/evaluation/kinds/span.py). rouge1, rouge2 and rougeL are F1 as
in rouge-score, without stemming; it only knows words of a-z and 0-9, so use chrf for other scripts. bleu and chrf are
corpus-level, with sacrebleu's defaults: formulas over sums of matched n-grams, so they can be resampled like means.
With several accepted texts the closest counts; bleu uses the n-grams of all of them.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from nlptl.core.records import LabelSpace
from nlptl.evaluation.formulas import Metric
from nlptl.evaluation.kind import Kind
from nlptl.evaluation.kinds import span
from nlptl.evaluation.ratios import Floats, ratio
from nlptl.evaluation.rowwise import ByRow, Counted
from nlptl.evaluation.views import Graded, Seen, Views

ROUGE = ("rouge1", "rouge2", "rougeL")
MEANS = ("exact_match", "f1", *ROUGE)
BLEU_ORDER, CHRF_ORDER = 4, 6  # longest n-gram, of words and of characters
BETA2 = 2**2  # chrF weighs recall twice as much as precision
BLEU = slice(1 + len(MEANS), 1 + len(MEANS) + 2 + 2 * BLEU_ORDER)
"""Columns of lengths and n-grams for bleu; column 0 is 1, then come the means; n-grams for chrf follow."""


def bleu(sums: Floats) -> Floats:
    """Returns BLEU from sums of lengths and n-grams, (...); Papineni et al. 2002, Post 2018."""
    from sacrebleu.metrics.bleu import BLEU as SACRE

    def one(counts: Floats) -> float:
        length, target_length, *ngrams = counts.tolist()
        matches, totals = ngrams[:BLEU_ORDER], ngrams[BLEU_ORDER:]
        result = SACRE.compute_bleu(matches, totals, int(length), int(target_length), "exp")
        return float(result.score) / 100

    return np.apply_along_axis(one, -1, sums[..., BLEU])


def chrf(sums: Floats) -> Floats:
    """Returns chrF from sums of character n-grams, (...); Popović 2015, without orders that have no n-grams."""
    return _chrf(sums[..., BLEU.stop :])


def _mean(column: int) -> Callable[[Floats], Floats]:
    def formula(sums: Floats) -> Floats:
        return ratio(sums[..., column], sums[..., 0])

    return formula


METRICS: dict[str, Metric] = {
    **{name: Metric(_mean(column)) for column, name in enumerate(MEANS, start=1)},
    "bleu": Metric(bleu),
    "chrf": Metric(chrf),
}


def count(references: Sequence[str | span.Accepted], predictions: Sequence[str], labels: LabelSpace) -> Counted:
    """Returns the shared words and n-grams of each row.

    Args:
        references: a text, or the accepted `Answer`s to a question; empty if it has no answer.
        predictions: texts.
        labels: not used.

    Raises:
        InputError: a prediction is not a text.
    """
    span.check_texts(predictions, "predictions")
    accepted = [_accepted(reference, i) for i, reference in enumerate(references)]
    columns = [
        np.ones((len(accepted), 1)),
        np.array([_words(text, texts) for text, texts in zip(predictions, accepted, strict=True)]),
        _rouge(predictions, accepted),
        _bleu_counts(predictions, accepted),
        np.array([_chrf_counts(text, texts) for text, texts in zip(predictions, accepted, strict=True)]),
    ]
    return Counted(np.concatenate(columns, axis=1, dtype=np.float64), tuple(METRICS), {})


def _accepted(reference: str | span.Accepted, row: int) -> list[str]:
    """Returns the accepted texts of a row, at least one."""
    return [reference] if isinstance(reference, str) else span.accepted_texts(reference, row) or [""]


def _words(text: str, accepted: Sequence[str]) -> tuple[float, float]:
    return span.exact_match(text, accepted), span.f1(text, accepted)


def _rouge(predictions: Sequence[str], accepted: Sequence[Sequence[str]]) -> Floats:
    from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]

    scorer = RougeScorer(list(ROUGE))
    found = [scorer.score_multi(texts, text) for text, texts in zip(predictions, accepted, strict=True)]
    return np.array([[row[name].fmeasure for name in ROUGE] for row in found])  # (n, 3)


def _bleu_counts(predictions: Sequence[str], accepted: Sequence[Sequence[str]]) -> Floats:
    from sacrebleu.metrics.bleu import BLEU as SACRE

    sentences = SACRE(effective_order=True)  # avoids a warning for single sentences; the counts do not depend on it
    found = [sentences.sentence_score(text, texts) for text, texts in zip(predictions, accepted, strict=True)]
    return np.array([[row.sys_len, row.ref_len, *row.counts, *row.totals] for row in found], np.float64)


def _chrf_counts(text: str, accepted: Sequence[str]) -> list[float]:
    """Returns for each order the numbers of n-grams of the text, of the closest accepted text, and shared by both."""
    from sacrebleu.metrics.helpers import extract_all_char_ngrams

    own = extract_all_char_ngrams(text, CHRF_ORDER)
    each = [_matches(own, extract_all_char_ngrams(other, CHRF_ORDER)) for other in accepted]
    return max(each, key=lambda counts: float(_chrf(np.array(counts))))


def _matches(own: Sequence[Counter[str]], others: Sequence[Counter[str]]) -> list[float]:
    counts: list[float] = []
    for a, b in zip(own, others, strict=True):
        # like sacrebleu: none are counted for an order if the reference is too short for it
        counts += [a.total() if b else 0, b.total(), (a & b).total()]
    return counts


def _chrf(counts: Floats) -> Floats:
    own, others, shared = np.moveaxis(counts.reshape(*counts.shape[:-1], CHRF_ORDER, 3), -1, 0)  # (..., orders)
    both = (own > 0) & (others > 0)
    n_orders = both.sum(-1).astype(np.float64)
    precision = ratio((ratio(shared, own) * both).sum(-1), n_orders)
    recall = ratio((ratio(shared, others) * both).sum(-1), n_orders)
    return ratio((1 + BETA2) * precision * recall, BETA2 * precision + recall)


KIND = Kind(ByRow(METRICS, count))


def _grade(rows: Seen) -> Graded:
    """Grades by the F1 of words; a row is as wrong as it is far from its target."""
    f1 = _f1(rows)
    return Graded("f1", f1, np.ones(len(f1)), 1 - f1, "the farthest from the target first", "F1 of words", f1)


def _f1(rows: Seen) -> Floats:
    accepted = [_accepted(reference, i) for i, reference in enumerate(rows.references)]
    return np.array([span.f1(text, texts) for text, texts in zip(rows.decisions, accepted, strict=True)])


def _no_groups(rows: Seen) -> None:
    return None


VIEWS = Views(_grade, _no_groups, span.said)
