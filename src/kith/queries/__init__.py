"""What a monitor looks for: the query language, a slow matcher that defines it, and a quick one for streams.

Knows neither Django nor networks nor models: texts and their labels come in, spans go out. See docs/reference/queries.md.
"""

from kith.queries.matcher import Found, Matcher
from kith.queries.nodes import Post, Query, QueryError
from kith.queries.parser import parse
from kith.queries.reference import matches

__all__ = ["Found", "Matcher", "Post", "Query", "QueryError", "matches", "parse"]
