"""What a person touches: the view, the tray, the dialogs, the local channel."""
