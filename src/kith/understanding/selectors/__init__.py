"""What is read here: the reading of one message, and what many amount to."""

from kith.understanding.selectors.figures import drawn, figures, messages_behind
from kith.understanding.selectors.reading import Reading, annotations_of, readings_of
from kith.understanding.selectors.said import said_behind, said_of

__all__ = [
    "Reading",
    "annotations_of",
    "drawn",
    "figures",
    "messages_behind",
    "readings_of",
    "said_behind",
    "said_of",
]
