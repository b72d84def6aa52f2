"""Cheap methods that a model should beat, one per file; adding a file adds a baseline.

A baseline names in `kinds` the kinds of answers that it can predict, and predicts rows from labelled training rows. Its
predictions have scores if those of the model have, so that metrics of scores can compare them.
"""
