"""Mailings to many: the draft, who would get it, the sending, and the queue of what the gate holds."""
