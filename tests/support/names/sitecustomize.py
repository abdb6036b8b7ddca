"""Imported by every Python that a test has started with this folder on its path: it asks the test's own DNS server."""

import os
import socket

import dns.resolver

_port, _real = int(os.environ["TEST_DNS_PORT"]), socket.getaddrinfo
_hosts = dict(pair.split("=") for pair in os.environ["TEST_HOSTS"].split())


def _getaddrinfo(host, *rest, **more):  # type: ignore[no-untyped-def]
    return _real(_hosts.get(host, host), *rest, **more)


def _configured(self, *_rest):  # type: ignore[no-untyped-def]
    self.nameservers, self.port = ["127.0.0.1"], _port


socket.getaddrinfo = _getaddrinfo
dns.resolver.Resolver.read_resolv_conf = _configured
