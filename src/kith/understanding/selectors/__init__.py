"""What is read here: the reading of one message, and what many amount to."""

from kith.understanding.selectors.reading import Reading, readings_of

__all__ = ["Reading", "readings_of"]
