"""The admin of recommendations: models and their training, campaigns and their ledger."""

from recommend.admin import campaigns, training

__all__ = ["campaigns", "training"]
