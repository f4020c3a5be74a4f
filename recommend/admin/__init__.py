"""The admin of recommendations: shoppers and events, models and their training, campaigns, searches."""

from recommend.admin import campaigns, events, experiments, searches, shoppers, training

__all__ = ["campaigns", "events", "experiments", "searches", "shoppers", "training"]
