"""Provisioning: identities, certificates, signed lists, barcodes to print."""
