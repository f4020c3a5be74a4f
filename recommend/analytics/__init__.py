"""What became of searches: clicks, carts and purchases held against the log of searches."""
