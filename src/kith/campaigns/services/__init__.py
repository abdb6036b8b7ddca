"""Writes of this room: drafts of mailings, their dry run, their sending, and the queue of what is held."""
