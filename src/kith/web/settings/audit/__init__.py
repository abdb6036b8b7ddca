"""The audit log on a screen: in sentences, by who, what and when."""

from kith.web.settings.audit.views import audit

__all__ = ["audit"]
