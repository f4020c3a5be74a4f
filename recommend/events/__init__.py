"""What shoppers do: recorded once, appended only, and read back as histories."""
