"""The methods of the registry beside each other: pretrained alike, scored alike."""
