"""Feeds: RSS, Atom and JSON Feed, polled or pushed by WebSub."""
