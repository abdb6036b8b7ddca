"""People by the names they go by on a network, as somebody types them."""

from __future__ import annotations

import uuid

from django.utils.translation import gettext as _

from kith.channels import gateway
from kith.channels.apply import observed_party
from kith.channels.compose import OutboxError
from kith.connectors.contract import Finds
from kith.contacts.services import identities_observe
from kith.networks.models import ChannelAccount

MOST_HANDLES = 5


def recipients_found(account: ChannelAccount, typed: str) -> tuple[tuple[uuid.UUID, str], ...]:
    """Identities for handles with commas or blanks between; the network is asked who goes by each now.

    A handle proves nothing about who somebody is: it is linked to nobody whom we know already. Raises OutboxError for a
    handle that nobody has, for ourselves, for too many, and when the network can't be asked.
    """
    handles = list(dict.fromkeys(typed.replace(",", " ").replace(";", " ").split()))
    if len(handles) > MOST_HANDLES:
        raise OutboxError(_("At most %(most)s people at once.") % {"most": MOST_HANDLES})
    found = []
    try:
        connector = gateway.connector_for(account)
        with gateway.named_errors(account.secrets):
            if not isinstance(connector, Finds):
                raise OutboxError(_("Open the person and choose where to write to them."))
            for handle in handles:
                party = connector.find(handle[:300])
                if party.is_us:
                    raise OutboxError(_("%(handle)s is your own account.") % {"handle": party.handle})
                found.append(observed_party(account, party))
    except gateway.ChannelError as error:
        raise OutboxError(str(error)) from error
    known = identities_observe(found)
    return tuple((known[item.key].id, "to") for item in found)
