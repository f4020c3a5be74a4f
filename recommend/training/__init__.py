"""From the event log to a published model: dataset, training that resumes, comparison with the live one, rollback."""
