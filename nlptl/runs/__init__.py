"""Joins the rooms into runs: prepare, train, deliver, and what lies in a run's folder."""
