"""The API under /api/v1/."""

from __future__ import annotations

from kith.api import application, docs
from kith.api.routes.conversations import router as conversations
from kith.api.routes.house import channels, house, organizations
from kith.api.routes.identities import router as identities
from kith.api.routes.mailings import router as mailings
from kith.api.routes.messages import replies
from kith.api.routes.messages import router as messages
from kith.api.routes.people import router as people
from kith.api.routes.webhooks import router as webhooks

DESCRIPTION = """Everything that the screens show, for programs. Send a token as `Authorization: Bearer kith_...`; it sees what its user sees and may do what it was given.

Lists come in pages: pass `next` of one page as `after` for the following one. Writes take an `Idempotency-Key`, so that a request which is sent twice is done once. A token may ask 600 times a minute; beyond that the answer is 429 with Retry-After.

Errors are problem details (RFC 9457): `status`, `title`, `detail`, and `errors` that name fields."""

api = application.make("Kith API", DESCRIPTION)
api.add_router("/people", people)
api.add_router("/identities", identities)
api.add_router("/organizations", organizations)
api.add_router("/conversations", conversations)
api.add_router("/conversations", replies)
api.add_router("/messages", messages)
api.add_router("/channels", channels)
api.add_router("/mailings", mailings)
api.add_router("/webhooks", webhooks)
api.add_router("/", house)

_pages = docs.Pages(api)
urlpatterns = application.urls(api, _pages.schema, _pages.page, _pages.style)
