"""The certificate that the daemon makes for itself (spec: operations, TLS).

Imported only where one is wanted: ``cryptography`` is large.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from runwisp.errors import CannotListen
from runwisp.store.files import DIRECTORY_MODE, read_private, tighten, write_private

_NAME = "RunWisp self-signed"
_LIFETIME = timedelta(days=3650)
#: Clocks of clients may be behind.
_HEAD_START = timedelta(hours=1)
_RENEWED_BEFORE_END = timedelta(days=30)
_MAX_PEM = 64 * 1024

Host = str | IPv4Address | IPv6Address


@frozen
class Pair:
    """Files of a certificate, with what vouches for it, and of its key, in PEM."""

    certificate: Path
    key: Path


def self_signed(directory: Path, names: Iterable[str], now: datetime) -> Pair:
    """The pair in ``directory``, made anew if it is missing, damaged, about to expire or lacks a name.

    :param names: what the daemon may be called by, host names and addresses; doubles are dropped
    :raises CannotListen: the files cannot be read or written, or are symbolic links
    """
    pair = Pair(directory / "cert.pem", directory / "key.pem")
    hosts = list(dict.fromkeys(host for name in names if (host := _host(name)) is not None))
    try:
        if directory.is_symlink():
            raise CannotListen(f"cannot use {directory} for TLS: it is a symbolic link", ["remove it"])
        directory.mkdir(DIRECTORY_MODE, exist_ok=True)
        directory.chmod(DIRECTORY_MODE)
        for file in (pair.certificate, pair.key):
            tighten(file)
        if not _is_good(pair, hosts, now):
            certificate, key = _make(hosts, now)
            write_private(pair.key, key)
            write_private(pair.certificate, certificate)
    except OSError as error:
        what = f"{error.filename or directory}: {error.strerror or error}"
        raise CannotListen(f"cannot use {directory} for TLS: {what}") from error
    return pair


def fingerprint(certificate: bytes) -> str:
    """The SHA-256 of the first certificate in a PEM file, over its DER form, in hexadecimal."""
    return x509.load_pem_x509_certificates(certificate)[0].fingerprint(hashes.SHA256()).hex()


def _host(name: str) -> Host | None:
    """None for what no certificate can name."""
    try:
        # An address with a scope is one of this machine alone.
        return ip_address(name.partition("%")[0])
    except ValueError:
        pass
    try:
        return name.lower().encode("idna").decode() or None
    except UnicodeError:
        return None


def _is_good(pair: Pair, hosts: list[Host], now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(read_private(pair.certificate, _MAX_PEM))
        key = serialization.load_pem_private_key(read_private(pair.key, _MAX_PEM), password=None)
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (FileNotFoundError, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    covered = {*named.get_values_for_type(x509.DNSName), *named.get_values_for_type(x509.IPAddress)}
    return (
        key.public_key() == certificate.public_key()
        and certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc - _RENEWED_BEFORE_END
        and covered.issuperset(hosts)
    )


def _make(hosts: list[Host], now: datetime) -> tuple[bytes, bytes]:
    """A certificate and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    usage = dict.fromkeys(
        (
            "content_commitment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    begin = now.astimezone(UTC) - _HEAD_START
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName(map(_general_name, hosts)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_encipherment=True, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _general_name(host: Host) -> x509.GeneralName:
    return x509.DNSName(host) if isinstance(host, str) else x509.IPAddress(host)
