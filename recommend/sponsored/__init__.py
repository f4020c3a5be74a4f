"""Sponsored places: campaigns, the auction for a place, and what is charged for it."""
