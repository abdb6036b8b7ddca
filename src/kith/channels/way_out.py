"""The way out of every mail that sells: headers for one click (RFC 8058), and a line that people see."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext as _

from kith.contacts.models import Identity
from kith.core import company
from kith.trust.links import link_token
from kith.trust.wishes import selling_recipient

_LANGUAGES = ("en", "de", "es")


@dataclass(frozen=True, slots=True)
class WayOut:
    """`url` is the page ("" where the company has no public address); `one_click` takes the POST of mail programs."""

    url: str
    one_click: str
    line: str
    language: str


def way_out(message_id: uuid.UUID, *, mail: bool, language: str = "") -> WayOut | None:
    """Of a message as it is sent: None for one that sells nothing. The same at every try.

    A mail to several has no link of one of them: whoever reads it could speak for that one.
    """
    sells, recipient = selling_recipient(message_id)
    if not sells or not mail:
        return None
    identity = (
        Identity.objects.select_related("contact__canonical").filter(pk=recipient).first()
        if recipient
        else None
    )
    person = identity.contact.canonical if identity and identity.contact else None
    spoken = next(
        (
            found[:2]
            for found in ((person.language if person else ""), language, settings.LANGUAGE_CODE)
            if found and found[:2] in _LANGUAGES
        ),
        "en",
    )
    base = company.public_url()
    url = one_click = ""
    if base and identity is not None:
        token = link_token(identity.pk)
        url = base + reverse("my:wishes", args=[token])
        one_click = base + reverse("my:unsubscribe", args=[token])
    elif base:
        url = base + reverse("my:start")
    with translation.override(spoken):
        line = (
            _("Choose what you hear from us, pause, or unsubscribe: %s") % url
            if url
            else _("To get no more mails like this, answer with the word “unsubscribe”.")
        )
    # Mail programs take https alone; over http the line is what there is.
    return WayOut(url, one_click if one_click.startswith("https://") else "", line, spoken)


def with_text(text: str, out: WayOut | None) -> str:
    return f"{text.rstrip()}\n\n--\n{out.line}\n" if out else text


def with_html(html: str, out: WayOut | None) -> str:
    """Before the end of the body, where there is one."""
    if not html or out is None:
        return html
    shown = str(escape(out.line))
    if out.url:
        address = str(escape(out.url))
        shown = shown.replace(address, f'<a href="{address}">{address}</a>')
    line = f'<hr><p style="font-size:small">{shown}</p>'
    at = html.lower().rfind("</body>")
    return f"{html[:at]}{line}{html[at:]}" if at >= 0 else html + line
