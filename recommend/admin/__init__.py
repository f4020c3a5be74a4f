"""The admin of recommendations: shoppers and events, models and their training, campaigns and their ledger."""

from recommend.admin import campaigns, events, shoppers, training

__all__ = ["campaigns", "events", "shoppers", "training"]
