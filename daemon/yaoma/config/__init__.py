"""The one file a technician writes, checked and turned into frozen values."""
