"""Bluesky and other services that speak the AT Protocol."""
