"""The recommendation models, a module each; `registry` names them.

Django looks here for the app's database tables; they are written beside what uses them, and named here for it.
"""

from recommend.events.models import Event, Shopper
from recommend.privacy.models import ConsentChange, ErasedKey, Erasure
from recommend.serving.models import Companions, Crossing, Demand, Exposure
from recommend.sponsored.models import Campaign, CampaignDay, Charge, Placement
from recommend.training.models import ModelVersion, TrainingRun

__all__ = [
    "Campaign",
    "CampaignDay",
    "Charge",
    "Companions",
    "ConsentChange",
    "Crossing",
    "Demand",
    "ErasedKey",
    "Erasure",
    "Event",
    "Exposure",
    "ModelVersion",
    "Placement",
    "Shopper",
    "TrainingRun",
]
