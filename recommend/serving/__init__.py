"""From a history to what is shown: candidates, scores, the shelf, diversity, reasons; and the tables for it."""
