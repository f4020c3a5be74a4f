"""Histories of made-up shoppers for the demo shop, with tastes and habits planted in them to be found again."""
