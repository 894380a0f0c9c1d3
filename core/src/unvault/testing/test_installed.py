"""What ``pytest --pyargs unvault.testing`` collects: the contract of the provider it is given."""

from __future__ import annotations


class TestInstalled:
    """Stands for the contract that the options name."""
