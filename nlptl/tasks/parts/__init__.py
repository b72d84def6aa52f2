"""What tasks are made of, also a user's own: tokens and windows, losses, weights and decoding by kind of answer.

* tokens: texts as flat token arrays, cut or in windows
* whole_text: the settings of a task that answers a whole text
* one_label, several_labels: losses, weights and decoding
* answer_spans: the best answers among the logits of starts and ends
* places: flat tokens as one row a feature
"""
