from django.apps import AppConfig


class TrustConfig(AppConfig):
    name = "kith.trust"
    label = "trust"
