from django.apps import AppConfig


class NetworksConfig(AppConfig):
    name = "kith.networks"
    label = "networks"
