"""Consent receipts with the sections of ISO/IEC TS 27560:2023: header, processing, parties, events, and receipt metadata.

Made from one row of the consent log, whenever they are asked for; two receipts of one row differ in nothing but their time.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.core import company
from kith.core.secrets import keyed_hash
from kith.trust.models import Consent, Topic

SCHEMA = "ISO/IEC TS 27560:2023"
STATES = {
    Consent.Status.ASKED: ("consent requested", "requested"),
    Consent.Status.GIVEN: ("explicit consent", "given"),
    Consent.Status.WITHDRAWN: ("consent withdrawn", "withdrawn"),
    Consent.Status.LIFTED: ("withdrawal ended", "unknown"),
}


def receipt_of(row: Consent) -> dict[str, Any]:
    """As JSON. The principal is named by a pseudonym that only this installation can compute."""
    topic = Topic.objects.filter(key=row.purpose).first()
    base = company.public_url()
    kind, state = STATES[Consent.Status(row.status)]
    controller = "controller"
    return {
        "receipt_metadata": {
            "schema_version": SCHEMA,
            "receipt_id": f"{row.pk}-receipt",
            "record_id": str(row.pk),
            "receipt_time": now().isoformat(),
        },
        "record_header": {
            "schema_version": SCHEMA,
            "record_id": str(row.pk),
            "pii_principal_id": keyed_hash(str(row.identity_id), purpose="receipt")[:32],
        },
        "pii_processing": {
            "privacy_notice": str(row.proof.get("text", "")),
            "language": str(row.proof.get("language", "")),
            "purposes": [
                {
                    "purpose": topic.name if topic else row.purpose,
                    "purpose_type": row.purpose,
                    "purpose_description": topic.about if topic else "",
                    "lawful_basis": "consent",
                    "services": [row.channel],
                    "pii_information": [{"pii_type": "contact address", "pii_attribute_id": row.channel}],
                    "pii_controllers": [controller],
                    "collection_method": str(row.proof.get("method", "")),
                    "processing_method": _("sending messages"),
                    "storage_locations": [_("the company's own server")],
                    "retention_period": _("until it is withdrawn"),
                    "recipient_third_parties": [],
                    "withdrawal_method": f"{base}/my/" if base else _("an answer to any of our mails"),
                    "privacy_rights": [
                        _("to see, correct and export your data, to object, and to be forgotten")
                    ],
                }
            ],
        },
        "parties": [
            {
                "party_id": controller,
                "party_name": company.name(),
                "party_role": "PII controller",
                "party_url": base,
            }
        ],
        "events": [
            {
                "event_time": row.given_at.isoformat(),
                "event_type": kind,
                "event_state": state,
                "validity_duration": _("until it is withdrawn"),
                "entity_id": "colleague" if row.recorded_by_id else "pii_principal",
                "evidence": dict(row.proof),
            }
        ],
    }
