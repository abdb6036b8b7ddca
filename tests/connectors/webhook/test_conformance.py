import json
from datetime import datetime

from kith.connectors.conformance import READING, ConnectorConformance
from kith.connectors.contract import Outgoing, Party, WebhookRequest
from kith.connectors.webhook import signing
from kith.connectors.webhook.connector import Connector

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class TestWebhook(ConnectorConformance):
    connector = Connector
    secrets = {"signing_secret": SECRET}
    outgoing = Outgoing(idempotency_key="k1", text="It left today.", to=(Party("customer-8", role="to"),))
    #: any answer proves that the address is there
    reading = {**READING, "html": (), "truncated": ()}
    unknown_kind = b'{"type": "invoice.paid", "data": {}}'

    def signed_request(self, now: datetime) -> WebhookRequest:
        body = json.dumps(
            {"type": "message.received", "data": {"from": {"id": "8"}, "text": "Hello"}}
        ).encode()
        headers = signing.headers(signing.keys(SECRET), message_id="msg_1", at=now, body=body)
        return WebhookRequest("POST", headers, {}, body)
