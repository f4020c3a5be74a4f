"""Products that the catalogue may hold twice: found in the background, decided by people."""
