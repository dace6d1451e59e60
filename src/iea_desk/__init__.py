"""The support desk's side: passwords of the day, signed updates and policy. Nothing here yet."""
