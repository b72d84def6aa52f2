"""Brings a finished run to where it is used: pushing it to the Hub."""
