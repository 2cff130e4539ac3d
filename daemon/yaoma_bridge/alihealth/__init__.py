"""码上放心 (alihealth): what the destination of that name is made of."""
