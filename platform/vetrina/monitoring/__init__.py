"""How an installation is watched: logs, metrics, what is degraded, the page of operations, traces."""
