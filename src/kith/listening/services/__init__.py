"""Writes: monitors, what they find, and what is asked of networks for them."""
