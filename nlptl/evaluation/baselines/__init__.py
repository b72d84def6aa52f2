"""What costs nothing and must be beaten: a file each; to add a baseline is to add a file.

A baseline says in `kinds` which kinds of answers it is of, and predicts rows from labelled ones. Its predictions have
scores if the kind's have, so that metrics of scores compare it too.
"""
