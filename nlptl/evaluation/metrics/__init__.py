"""Metrics of more than decisions, a file each: to add one is to add a file.

A metric says in `kinds` which kinds of answers it is of, in `greater_is_better` which values are better, and in
`needs_scores` whether it reads scores. `measure` gets rows (nlptl/evaluation/rows.py) and returns a function that maps
how often each row counts, (resamples, n), to the metric's value in each resample, (resamples,).
Metrics of decisions alone stand with their kind of answers, in nlptl/evaluation/kinds.
"""
