from __future__ import annotations

import hashlib
import ssl
import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from runwisp.errors import CannotListen
from runwisp.web.listen.certificate import Pair, fingerprint, self_signed

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
GARBAGE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
NAMES = ("0.0.0.0", "127.0.0.1", "::1", "localhost", "box")


def read(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate.read_bytes())


def test_the_certificate_is_what_the_spec_describes(tmp_path: Path) -> None:
    pair = self_signed(tmp_path / "tls", (*NAMES, "LocalHost"), NOW)
    certificate = read(pair)
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "RunWisp self-signed"
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert certificate.not_valid_before_utc == NOW - timedelta(hours=1)
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lifetime == timedelta(days=3650)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, True, False)
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert named.get_values_for_type(x509.DNSName) == ["localhost", "box"]
    assert named.get_values_for_type(x509.IPAddress) == [ip_address(text) for text in NAMES[:3]]


def test_what_no_certificate_can_name_is_left_out(tmp_path: Path) -> None:
    names = ("bücher.example", "x" * 64, "", "fe80::1%eth0")
    named = read(self_signed(tmp_path / "tls", names, NOW)).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert named.value.get_values_for_type(x509.DNSName) == ["xn--bcher-kva.example"]
    assert named.value.get_values_for_type(x509.IPAddress) == [ip_address("fe80::1")]


def test_the_files_are_private_and_fit_each_other(tmp_path: Path) -> None:
    pair = self_signed(tmp_path / "tls", NAMES, NOW)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "tls", pair.certificate, pair.key)]
    assert modes == [0o700, 0o600, 0o600]
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair.certificate, pair.key)


def test_the_fingerprint_is_that_of_the_der_form(tmp_path: Path) -> None:
    pem = self_signed(tmp_path / "tls", NAMES, NOW).certificate.read_bytes()
    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    assert fingerprint(pem) == hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize(
    ("names", "later", "is_kept"),
    [
        (NAMES, timedelta(0), True),
        (NAMES[:3], timedelta(0), True),
        (NAMES, timedelta(days=3619), True),
        (NAMES, timedelta(days=3620), False),
        (NAMES, timedelta(days=5000), False),
        (NAMES, timedelta(hours=-2), False),
        ((*NAMES, "other"), timedelta(0), False),
        ((*NAMES, "10.0.0.1"), timedelta(0), False),
    ],
)
def test_it_is_kept_while_it_has_time_to_spare_and_covers_every_name(
    tmp_path: Path, names: tuple[str, ...], later: timedelta, is_kept: bool
) -> None:
    pair = self_signed(tmp_path / "tls", NAMES, NOW)
    before = pair.certificate.read_bytes()
    assert self_signed(tmp_path / "tls", names, NOW + later) == pair
    assert (pair.certificate.read_bytes() == before) is is_kept
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair.certificate, pair.key)


@pytest.mark.parametrize("file", ["cert.pem", "key.pem"])
@pytest.mark.parametrize("damage", ["empty", "garbage", "missing", "of another pair"])
def test_a_damaged_pair_is_made_anew(tmp_path: Path, file: str, damage: str) -> None:
    pair = self_signed(tmp_path / "tls", NAMES, NOW)
    path = tmp_path / "tls" / file
    if damage == "missing":
        path.unlink()
    elif damage == "of another pair":
        self_signed(tmp_path / "other", NAMES, NOW)
        path.write_bytes((tmp_path / "other" / file).read_bytes())
    else:
        path.write_text(
            "" if damage == "empty" else "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
        )
    self_signed(tmp_path / "tls", NAMES, NOW)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair.certificate, pair.key)


@pytest.mark.parametrize("file", ["cert.pem", "key.pem", ""])
def test_a_symbolic_link_is_refused_and_not_followed(tmp_path: Path, file: str) -> None:
    directory = tmp_path / "tls"
    self_signed(tmp_path / "real", NAMES, NOW)
    target = tmp_path / "real" / file
    if file:
        directory.mkdir()
    (directory / file if file else directory).symlink_to(target)
    before = (tmp_path / "real" / "key.pem").read_bytes()
    with pytest.raises(CannotListen, match="symbolic link"):
        self_signed(directory, (*NAMES, "other"), NOW)
    assert (tmp_path / "real" / "key.pem").read_bytes() == before


def test_loose_modes_are_corrected(tmp_path: Path) -> None:
    pair = self_signed(tmp_path / "tls", NAMES, NOW)
    pair.key.chmod(0o644)
    (tmp_path / "tls").chmod(0o755)
    self_signed(tmp_path / "tls", NAMES, NOW)
    assert stat.S_IMODE(pair.key.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotListen, match="file"):
        self_signed(tmp_path / "file" / "tls", NAMES, NOW)
