"""The key pair of GM/T 0003.5-2012, annex A, and its public half as a file for OpenSSL."""

import base64
from pathlib import Path

__all__ = ["SM2_KEY", "write_public"]

SM2_KEY = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
_POINT = (
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
#: SubjectPublicKeyInfo of id-ecPublicKey on the curve 1.2.156.10197.1.301, up to the point.
_SPKI = "3059301306072A8648CE3D020106082A811CCF5501822D034200"


def write_public(file: Path) -> Path:
    """Write the public key as PEM."""
    der = base64.encodebytes(bytes.fromhex(_SPKI + _POINT)).decode()
    file.write_text(f"-----BEGIN PUBLIC KEY-----\n{der}-----END PUBLIC KEY-----\n")
    return file
