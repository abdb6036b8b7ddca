"""Webhooks: which programs are told of what, and what became of it. For tokens of administrators, as the screen is."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Status

from kith.api import idempotency, paging
from kith.api.access import Token, caller_of
from kith.api.problems import Problem, blame
from kith.api.schemas import (
    Page,
    PageQuery,
    WebhookDeliveryOut,
    WebhookIn,
    WebhookOut,
    WebhookPatch,
    WebhookSecretOut,
)
from kith.channels import webhooks_out
from kith.channels.models import WebhookDelivery, WebhookSubscription

router = Router(tags=["webhooks"])
READ = Token("webhooks:read", administrators=True)
WRITE = Token("webhooks:write", administrators=True)


def _subscription(webhook_id: uuid.UUID) -> WebhookSubscription:
    found = WebhookSubscription.objects.filter(pk=webhook_id).first()
    if found is None:
        raise Problem(404, "There is no such webhook.")
    return found


def _with_secret(request: HttpRequest, made: WebhookSubscription, secret: str) -> dict[str, Any]:
    idempotency.holds_secret(request)
    return {**WebhookOut.from_orm(made).dict(), "secret": secret}


def _delivery(one: WebhookDelivery) -> dict[str, Any]:
    names = ("id", "kind", "data", "state", "attempts", "status", "error", "created_at", "tried_at")
    return {"sent_as": webhooks_out.sent_as(one), **{name: getattr(one, name) for name in names}}


@router.get("", auth=READ, response=Page[WebhookOut], summary="Webhooks, the newest first")
def webhooks_list(request: HttpRequest, query: Query[PageQuery]) -> Any:
    rows = WebhookSubscription.objects.order_by("-id")
    after = paging.decode(query.after, paging.as_uuid)
    if after:
        rows = rows.filter(id__lt=after[0])
    shown, following = paging.page(list(rows[: query.limit + 1]), query.limit, lambda w: (w.pk,))
    return {"items": shown, "next": following}


@router.get("/kinds", auth=READ, response=list[str], summary="What a webhook can be told of")
def webhooks_kinds(request: HttpRequest) -> Any:
    return list(webhooks_out.KINDS)


@router.post("", auth=WRITE, response={201: WebhookSecretOut}, summary="Have news sent to an address")
def webhooks_create(request: HttpRequest, body: WebhookIn) -> Any:
    """The secret that signs them is shown in this answer, and never again. It is told what the token's user may see."""
    caller = caller_of(request)
    try:
        made, secret = webhooks_out.subscription_create(user=caller.user, url=body.url, kinds=body.kinds)
    except webhooks_out.WebhookError as error:
        raise blame(error.field, str(error)) from error
    return Status(201, _with_secret(request, made, secret))


@router.get("/{uuid:webhook_id}", auth=READ, response=WebhookOut, summary="One webhook and how it fares")
def webhooks_get(request: HttpRequest, webhook_id: uuid.UUID) -> Any:
    return _subscription(webhook_id)


@router.patch(
    "/{uuid:webhook_id}", auth=WRITE, response=WebhookOut, summary="Change a webhook, pause it, or go on"
)
def webhooks_change(request: HttpRequest, webhook_id: uuid.UUID, body: WebhookPatch) -> Any:
    found = _subscription(webhook_id)
    given = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
    if given:
        try:
            webhooks_out.subscription_update(subscription=found, **given)
        except webhooks_out.WebhookError as error:
            raise blame(error.field, str(error)) from error
    return found


@router.delete("/{uuid:webhook_id}", auth=WRITE, response={204: None}, summary="Remove a webhook")
def webhooks_remove(request: HttpRequest, webhook_id: uuid.UUID) -> Any:
    """What has not been told yet is not told any more."""
    webhooks_out.subscription_remove(subscription=_subscription(webhook_id))
    return Status(204, None)


@router.post(
    "/{uuid:webhook_id}/secret", auth=WRITE, response=WebhookSecretOut, summary="Another signing secret"
)
def webhooks_secret(request: HttpRequest, webhook_id: uuid.UUID) -> Any:
    """From now on everything is signed with it; it is shown in this answer, and never again."""
    found = _subscription(webhook_id)
    secret = webhooks_out.subscription_new_secret(subscription=found)
    return _with_secret(request, found, secret)


@router.post("/{uuid:webhook_id}/test", auth=WRITE, response={202: WebhookDeliveryOut}, summary="Send a test")
def webhooks_test(request: HttpRequest, webhook_id: uuid.UUID) -> Any:
    """A `ping` goes out as soon as may be, paused or not: what came of it stands among the deliveries."""
    return Status(202, _delivery(webhooks_out.ping_soon(subscription=_subscription(webhook_id))))


@router.get(
    "/{uuid:webhook_id}/deliveries",
    auth=READ,
    response=Page[WebhookDeliveryOut],
    summary="The last events and what became of them",
)
def webhooks_deliveries(request: HttpRequest, webhook_id: uuid.UUID, query: Query[PageQuery]) -> Any:
    """The newest first; what was told is kept for two weeks."""
    rows = _subscription(webhook_id).deliveries.order_by("-id")
    after = paging.decode(query.after, paging.as_uuid)
    if after:
        rows = rows.filter(id__lt=after[0])
    shown, following = paging.page(list(rows[: query.limit + 1]), query.limit, lambda d: (d.pk,))
    return {"items": [_delivery(one) for one in shown], "next": following}
