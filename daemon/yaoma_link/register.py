"""Register: which certificates an authority has issued, so that boxes can be listed and lost ones revoked."""

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from yaoma_link.authority import Authority, AuthorityError, Issued, revoke
from yaoma_link.keyfile import write_public
from yaoma_link.topics import BoxName

__all__ = ["Register"]

_FOLDER = "issued"


@dataclass(frozen=True, slots=True)
class Register:
    """The copies of all issued certificates in the authority's folder, one file each, named by serial number.

    Args:
        authority: Whose register.
    """

    authority: Authority

    def enter(self, issued: Issued) -> None:
        """Keep a copy of a certificate.

        Raises:
            OSError: If it can't be written.
        """
        certificate = x509.load_pem_x509_certificate(issued.certificate)
        write_public(self._folder / f"{certificate.serial_number:040x}.pem", issued.certificate)

    def boxes(self) -> list[BoxName]:
        """Name every box that has a certificate which was not revoked."""
        return [BoxName.parse(name) for name in self._clients() if "/" in name]

    def bridges(self) -> list[str]:
        """Name every bridge worker that has a certificate which was not revoked."""
        return [name for name in self._clients() if "/" not in name]

    def revoke(self, common_name: str) -> int:
        """Revoke every certificate of one name, and give their number.

        Raises:
            AuthorityError: If there is none that was not revoked already.
        """
        found = [one for one in self._valid() if _common_name(one) == common_name]
        if not found:
            raise AuthorityError(
                f"no certificate for {common_name} is on the register, or all are revoked",
                "Check the name: a box is <site>/<box>.",
            )
        revoke(self.authority, found)
        return len(found)

    @property
    def _folder(self) -> Path:
        return self.authority.folder / _FOLDER

    def _clients(self) -> list[str]:
        return sorted({_common_name(one) for one in self._valid() if _is_client(one)})

    def _valid(self) -> list[x509.Certificate]:
        revoked = x509.load_pem_x509_crl(self.authority.revocation_file.read_bytes())
        serials = {entry.serial_number for entry in revoked}
        every = [x509.load_pem_x509_certificate(file.read_bytes()) for file in sorted(self._folder.glob("*.pem"))]
        return [one for one in every if one.serial_number not in serials]


def _common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _is_client(certificate: x509.Certificate) -> bool:
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage
