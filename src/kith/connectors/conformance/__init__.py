"""What every connector must do, as tests to inherit. A connector's own test is about a dozen lines:

    class TestExample(ConnectorConformance):
        connector = Connector
        settings = {"server": "https://example.org"}
        secrets = {"token": "a-secret-to-look-for"}
        own = OwnIdentity(external_id="1", handle="@us")
        outgoing = Outgoing(idempotency_key="k1", text="Hello", to=(Party("2", role="to"),))
        unknown_kind = b'{"type": "something new"}'

        @contextmanager
        def backlog(self, count): ...   # a fake server with `count` items, as a Setup

What does not apply is not collected; `not_applicable` holds the reasons. `docs/howto` tells how to write a connector; this is what checks it.
"""

from kith.connectors.conformance.channel import READING, WRITING, ChannelConformance
from kith.connectors.conformance.existing import ExistenceConformance, Kept
from kith.connectors.conformance.faults import FAULTS, Answer, Asked, Fault, FaultServer, always, serving
from kith.connectors.conformance.folder import FolderConformance
from kith.connectors.conformance.samples import events_as_json, fixtures, plain, raw_item, write_expected


class ConnectorConformance(FolderConformance, ChannelConformance, ExistenceConformance):
    """The whole suite: what lies in the folder, and how the connector behaves against servers."""


__all__ = [
    "FAULTS",
    "READING",
    "WRITING",
    "Answer",
    "Asked",
    "ChannelConformance",
    "ConnectorConformance",
    "ExistenceConformance",
    "Fault",
    "FaultServer",
    "FolderConformance",
    "Kept",
    "always",
    "events_as_json",
    "fixtures",
    "plain",
    "raw_item",
    "serving",
    "write_expected",
]
