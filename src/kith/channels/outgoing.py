"""What the connector is given: a message read from its rows, the same at every try."""

from __future__ import annotations

from kith.channels.models import Delivery
from kith.channels.way_out import way_out, with_html, with_text
from kith.connectors.contract import Media, Outgoing, Party
from kith.conversations.models import Message, Participant
from kith.core import blobs, company
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of


def outgoing_of(delivery: Delivery) -> Outgoing:
    """What the connector is given: read from rows, the same at every try."""
    message = delivery.message
    account = delivery.channel_account
    out = way_out(message.pk, mail=_is_mail(account), language=message.language)
    people = Participant.objects.filter(message=message).exclude(role="from").select_related("identity")
    parties = tuple(
        Party(
            external_id=p.identity.external_id,
            handle=p.identity.handle,
            display_name=p.identity.display_name,
            realm=p.identity.realm,
            role=p.role,  # type: ignore[arg-type]
            network=p.identity.network,
        )
        for p in people
    )
    earlier = _earlier(delivery)
    keys = (
        list(delivery.thread.keys.order_by("id").values_list("key", flat=True)[:1]) if delivery.thread else []
    )
    return Outgoing(
        idempotency_key=str(delivery.idempotency_key),
        text=with_text(message.text, out),
        html=with_html(message.html, out),
        to=parties,
        subject=message.subject,
        in_reply_to=message.in_reply_to,
        references=earlier,
        thread_key=keys[0] if keys else "",
        visibility="public" if message.visibility == "public" else "private",
        media=tuple(
            Media(a.file_name, a.content_type, a.size, content=blobs.read(a.digest), alt_text=a.alt_text)
            for a in message.attachments.order_by("id")
        ),
        content_warning=message.content_warning,
        from_name=_from_name(message, account),
        automatic=message.automatic == "acknowledgement",
        unsubscribe_url=out.one_click if out else "",
        language=out.language if out else "",
        extra={"visibility": message.extra["audience"]} if message.extra.get("audience") else {},
    )


def _is_mail(account: ChannelAccount) -> bool:
    manifest = manifest_of(account.network)
    return manifest is not None and manifest.medium == "mail"


def _from_name(message: Message, account: ChannelAccount) -> str:
    shown = str(company.value("outgoing_name") or "") or account.display_name or account.name
    return f"{message.author.name} · {shown}" if message.author else shown


def _earlier(delivery: Delivery) -> tuple[str, ...]:
    if delivery.thread is None:
        return ()
    ids = (
        delivery.thread.copies.filter(first_in_thread=True, at__lt=delivery.message.at)
        .exclude(message__direction="note")
        .exclude(message__external_id__startswith="pending:")
        .order_by("-at")
        .values_list("message__external_id", flat=True)[:20]
    )
    return tuple(reversed(list(ids)))
