"""What box and bridge share: the MQTT session, TLS, back-off, batches, receipts."""
