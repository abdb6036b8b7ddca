from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "kith.channels"
    label = "channels"
