"""Parts that methods share, a user's own methods too.

* layers: which layers a setting such as "last:2" names
* peft_models: inserting, saving and loading PEFT's methods
* linear_layers: what is a linear layer: torch's Linear or transformers' Conv1D
* linear_heads: a linear head fitted to convergence on vectors that do not change
"""
