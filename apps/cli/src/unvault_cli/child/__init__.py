"""Runs a program with secrets: what it is given, how it is started, and what of it is shown."""
