"""The pages of ``iea-desk web``, for a browser on this PC."""
