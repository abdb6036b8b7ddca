"""Writes of this room: the gate, its ledger, consent, suppression, and what rooms above tell it."""

from kith.trust.services.consents import (
    Proof,
    consent_record,
    objection_end,
    objection_record,
    pause_set,
    resubscribe,
    stop_channels,
    unsubscribe,
    wish_set,
)
from kith.trust.services.gate import (
    TouchRequest,
    channel_of,
    gate_details,
    gate_preview,
    may_approve,
    touch_request,
    touch_request_each,
)
from kith.trust.services.invitations import invitation_record, invitation_take_back
from kith.trust.services.knowing import GateRefused, fact_infer, identity_link_ask
from kith.trust.services.ledger import touches_cancel, touches_made, touches_recheck, touches_unsent
from kith.trust.services.policies import contact_policy_set, policy_check
from kith.trust.services.situations import (
    situation_customer,
    situation_open_case,
    situations_note_inbound,
)
from kith.trust.services.suppressions import (
    ERASED,
    TrustError,
    contact_suppress,
    may_lift,
    suppression_add,
    suppression_hash,
    suppression_lift,
    suppression_take_back,
)
from kith.trust.services.topics import topic_archive, topic_key, topic_save

__all__ = [
    "ERASED",
    "GateRefused",
    "Proof",
    "TouchRequest",
    "TrustError",
    "channel_of",
    "consent_record",
    "contact_policy_set",
    "contact_suppress",
    "fact_infer",
    "gate_details",
    "gate_preview",
    "identity_link_ask",
    "invitation_record",
    "invitation_take_back",
    "may_approve",
    "may_lift",
    "objection_end",
    "objection_record",
    "pause_set",
    "policy_check",
    "resubscribe",
    "situation_customer",
    "situation_open_case",
    "situations_note_inbound",
    "stop_channels",
    "suppression_add",
    "suppression_hash",
    "suppression_lift",
    "suppression_take_back",
    "topic_archive",
    "topic_key",
    "topic_save",
    "touch_request",
    "touch_request_each",
    "touches_cancel",
    "touches_made",
    "touches_recheck",
    "touches_unsent",
    "unsubscribe",
    "wish_set",
]
