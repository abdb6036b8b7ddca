"""The real network, for the tests here that ask for it."""

from tests.support.atproto_network import atproto_network

__all__ = ["atproto_network"]
