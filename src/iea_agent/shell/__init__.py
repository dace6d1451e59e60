"""What a person sees and clicks: words, notification area, windows."""
