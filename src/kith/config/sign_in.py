"""Allauth's table of issuers, from the settings."""

from __future__ import annotations

from typing import Any

from kith.config.environment import Environment


def single_sign_on(environment: Environment) -> dict[str, Any]:
    """For SOCIALACCOUNT_PROVIDERS: the company's issuer, or nothing."""
    if not environment.oidc_url:
        return {}
    company = {
        "provider_id": "company",
        "name": environment.oidc_name,
        "client_id": environment.oidc_client_id,
        "secret": environment.oidc_client_secret,
        "settings": {"server_url": environment.oidc_url, "oauth_pkce_enabled": True},
    }
    return {"openid_connect": {"APPS": [company]}}
