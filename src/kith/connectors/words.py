"""Sentences that connectors say to people: in English here, found again and translated where they are shown."""

from __future__ import annotations


def say(sentence: str, /, **values: object) -> str:
    """The sentence in English with its values in the places named `{so}`.

    `tools/compile_messages.py` collects every first argument; a screen recognises the sentence by its fixed words and says
    it in the reader's language (`kith.channels.words`). So it may be stored, logged and sent on as plain text.
    """
    return sentence.format(**values)
