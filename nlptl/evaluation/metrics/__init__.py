"""Metrics that need more than decisions, one per file; adding a file adds a metric.

A metric names in `kinds` the kinds of answers that it is for, in `greater_is_better` which values are better, and in
`needs_scores` whether it needs scores. `measure` gets rows (nlptl/evaluation/rows.py) and returns a function that maps
how often each row counts, (resamples, n), to the metric's value in each resample, (resamples,).
Metrics that need only decisions are in nlptl/evaluation/kinds, with their kind of answers.
"""
