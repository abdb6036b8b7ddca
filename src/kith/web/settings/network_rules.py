"""What a network can do and forbids, in sentences for the one who connects it."""

from __future__ import annotations

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from kith.networks.selectors import NetworkManifest

UNITS = {
    "characters": ngettext_lazy("Takes %d character in a message.", "Takes %d characters in a message."),
    "graphemes": ngettext_lazy("Takes %d letter in a message.", "Takes %d letters in a message."),
    "bytes": ngettext_lazy("Takes %d byte in a message.", "Takes %d bytes in a message."),
}


def rule_sentences(manifest: NetworkManifest) -> list[tuple[str, str]]:
    """(rule, reason) for each limit; the reason is the manifest's own, "" when it gives none."""
    limits = manifest.limits
    found: list[tuple[str, str]] = []

    def say(name: str, sentence: str) -> None:
        found.append((sentence, limits.reasons.get(name, "")))

    if limits.text_length is not None:
        say("text_length", UNITS[limits.length_unit] % limits.text_length)
    if limits.reply_window_hours is not None:
        say(
            "reply_window_hours",
            ngettext(
                "Answers go out within %d hour of the last message.",
                "Answers go out within %d hours of the last message.",
                limits.reply_window_hours,
            )
            % limits.reply_window_hours,
        )
    if limits.retention_days is not None:
        say(
            "retention_days",
            ngettext(
                "What came from it may be kept for %d day.",
                "What came from it may be kept for %d days.",
                limits.retention_days,
            )
            % limits.retention_days,
        )
    if limits.media_count is not None and limits.supports_attachments:
        say(
            "media_count",
            ngettext("Takes %d file in a message.", "Takes %d files in a message.", limits.media_count)
            % limits.media_count,
        )
    if limits.media_bytes and limits.supports_attachments:
        say("media_bytes", _("Takes files of up to %s.") % filesizeformat(limits.media_bytes))
    for name, sentence in (
        ("may_start_conversation", _("The other side writes first.")),
        ("private_messages", _("Everybody can read what is sent.")),
        ("may_link_identity", _("Nobody is linked to a person by itself.")),
        ("may_infer", _("Nothing may be concluded from what is said there.")),
        ("automatic_reply", _("No automatic answers.")),
        ("supports_attachments", _("No files.")),
    ):
        if not getattr(limits, name):
            say(name, sentence)
    if limits.cost_per_call:
        say("cost_per_call", _("Costs: %s") % limits.cost_per_call)
    return found


def capability_sentences(manifest: NetworkManifest) -> list[str]:
    """What it can do, in words."""
    words = {
        "polls": _("Asks for news every few minutes"),
        "waits": _("Is told of news at once"),
        "streams": _("Is told of news at once"),
        "webhooks": _("Takes messages that are pushed to Kith"),
        "sends": _("Sends answers"),
        "finds": _("Finds people by their handle"),
        "edits": _("Corrects what was sent"),
        "deletes": _("Takes back what was sent"),
        "listens": _("Searches"),
        "publishes": _("Publishes posts"),
        "deletion_requests": _("Answers requests to delete somebody's data"),
    }
    return list(dict.fromkeys(word for name, word in words.items() if name in manifest.capabilities))
