from kith.connectors.conformance import ConnectorConformance
from kith.connectors.facebook.connector import Connector


class TestFacebook(ConnectorConformance):
    connector = Connector
    settings = {"app_id": "1234567890"}
    secrets = {"app_secret": "0123456789abcdef0123456789abcdef"}
    no_http = "it asks nobody: it only answers"
    check_is_local = "it looks at the form of an id and a secret"
    one_kind = "nothing is read from there yet, so everything that is JSON is ignored"
    no_deletions = "it reads no messages; deletion requests are tested in test_signed.py"
