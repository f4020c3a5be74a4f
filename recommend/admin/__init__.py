"""The admin of recommendations: models and their training."""

from recommend.admin import training

__all__ = ["training"]
