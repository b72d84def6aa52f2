"""Joins the rooms into runs: prepare, train, deliver, and the files of a run's folder."""
