"""Learning the order of hits: features, fusion weights and rankers fitted on judgments or clicks, their versions."""
