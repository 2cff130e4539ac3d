"""What the camera drivers read codes with: finding bars, reading them, and the guards against reading wrong."""
