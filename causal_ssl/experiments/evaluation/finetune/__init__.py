"""The whole network, trained on from an encoder's weights."""
