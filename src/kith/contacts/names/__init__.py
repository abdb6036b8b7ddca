"""Names: how they are split, how they sort, and whether one may be used in a greeting."""

from kith.contacts.names.confidence import USABLE, Judgement, greeting_confidence, judge, person_confidence
from kith.contacts.names.greet import Greeting, greeting, greeting_name
from kith.contacts.names.parse import ParsedName, parse
from kith.contacts.names.sort import initials, person_name, sort_key

__all__ = [
    "USABLE",
    "Greeting",
    "Judgement",
    "ParsedName",
    "greeting",
    "greeting_confidence",
    "greeting_name",
    "initials",
    "judge",
    "parse",
    "person_confidence",
    "person_name",
    "sort_key",
]
