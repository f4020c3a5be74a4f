"""The pages of the second factor, and the door that they guard; `catalog.second_factor` checks the codes."""
