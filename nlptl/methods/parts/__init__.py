"""What methods are made of, also a user's own.

* layers: which layers a setting such as "last:2" names
* peft_models: a model that PEFT changes: inserted, saved, loaded
* linear_layers: linear layers of both kinds
* linear_heads: a linear head solved for on vectors that do not change
"""
