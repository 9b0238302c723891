"""How an encoder's predictions change under augmentations."""
