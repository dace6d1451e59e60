"""What a person reads, made from values: no window, no tray."""
