from kith.connectors.conformance import ConnectorConformance
from kith.connectors.contract import Outgoing, Party
from kith.connectors.simulator.connector import Connector


class TestSimulator(ConnectorConformance):
    connector = Connector
    no_http = "the simulator never leaves the house"
    outgoing = Outgoing(idempotency_key="k1", text="Hello", to=(Party("c1", role="to"),))
    unknown_kind = b'{"type": "something.new", "data": {}}'
