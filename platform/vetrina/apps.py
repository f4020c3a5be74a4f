from django.apps import AppConfig


class VetrinaConfig(AppConfig):
    name = "vetrina"
