"""Building blocks of tasks, also of a user's own.

* tokens: texts to flat token arrays, truncated or in windows
* whole_text: settings of tasks with one answer per text
* one_label, several_labels: losses, weights and decoding
* answer_spans: the best answers from the logits of starts and ends
* places: flat tokens to one row per feature
* divergence: how far two predicted distributions differ
"""
