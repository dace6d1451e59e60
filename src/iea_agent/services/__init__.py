"""What we do over the network. No service knows another, but for two: https.py is their door, and reachability.py tries what authentication.py does."""
