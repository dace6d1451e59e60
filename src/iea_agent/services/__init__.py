"""What we do over the network. No service knows another, https.py excepted: it is their door."""
