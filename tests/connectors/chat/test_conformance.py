from kith.connectors.chat.connector import Connector
from kith.connectors.conformance import ConnectorConformance
from kith.connectors.contract import Outgoing, Party


class TestChat(ConnectorConformance):
    connector = Connector
    settings = {"site": "https://shop.example"}
    no_http = "the chat's answers go out by the house's own live events"
    no_deletions = "a visitor can't delete: the window shows what was written"
    outgoing = Outgoing("k1", "Yes, we do.", (Party("8b1c7d", role="to"),), thread_key="visitor:8b1c7d")
    unknown_kind = b'{"type": "typing", "data": {}}'
