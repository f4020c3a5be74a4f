"""Two ways to search, held against each other with visitors: who sees which, and how results are interleaved."""
