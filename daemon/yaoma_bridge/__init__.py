"""The centre: broker to store to destinations, and receipts back to the boxes."""
