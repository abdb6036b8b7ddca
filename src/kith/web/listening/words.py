"""How mentions and queries are told on screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext_lazy as _

from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of

STATES = {
    "open": _("Open"),
    "done": _("Done"),
    "muted": _("Muted"),
    "": _("All"),
}
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "ar", "nl")


def marked_parts(text: str, spans: Iterable[Sequence[int]]) -> list[tuple[str, bool]]:
    """The text in parts, each with whether it is what was looked for; spans that overlap are one.

    >>> marked_parts("a red bike", [(2, 5), (4, 10)])
    [('a ', False), ('red bike', True)]
    """
    parts: list[tuple[str, bool]] = []
    at = 0
    for start, end in sorted((int(one[0]), int(one[1])) for one in spans):
        start, end = max(start, 0), min(end, len(text))
        if end <= at:
            continue
        if start > at or not parts or not parts[-1][1]:
            if start > at:
                parts.append((text[at:start], False))
            parts.append((text[max(start, at) : end], True))
        else:
            parts[-1] = (parts[-1][0] + text[at:end], True)
        at = end
    if at < len(text):
        parts.append((text[at:], False))
    return parts


def public_networks() -> list[tuple[str, str]]:
    """The networks of ours on which something can be said in public, with their titles."""
    found = {}
    for network in (
        ChannelAccount.objects.exclude(state="removed").values_list("network", flat=True).distinct()
    ):
        manifest = manifest_of(network)
        if manifest is not None and manifest.medium == "public":
            found[network] = manifest.title
    return sorted(found.items(), key=lambda one: one[1].casefold())
