"""Servers that tests talk to: real ones where there are any, small ones where there are none."""
