"""What studies of image encoders share."""
