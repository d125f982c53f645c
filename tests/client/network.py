"""A daemon in the network: with login by challenge and response, and with certificates."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.client.fake_daemon import Answer, FakeDaemon, Reply, Request, answer, problem

PASSWORD = "correct horse battery staple"


@define
class Gate:
    """Lets in who has a token, and gives tokens to who knows the password."""

    daemon: FakeDaemon
    tokens: list[str] = field(factory=list)
    nonces: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.daemon.on("GET", "/api/auth/challenge", self._challenge)
        self.daemon.on("POST", "/api/auth/login", self._log_in)

    def guarded(self, reply: Answer | Reply) -> Answer:
        """The answer, for whoever is logged in."""

        def serve(request: Request) -> Reply:
            if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
                return problem(401, "unauthenticated", "Log in first.")
            return reply if isinstance(reply, Reply) else reply(request)

        return serve

    @property
    def logins(self) -> int:
        return len(self.daemon.asked("POST", "/api/auth/login"))

    def _challenge(self, request: Request) -> Reply:
        self.nonces.append(hashlib.sha256(bytes([len(self.nonces)])).hexdigest())
        return answer({"nonce": self.nonces[-1], "expires_in": 60})

    def _log_in(self, request: Request) -> Reply:
        expected = hashlib.sha256(f"{PASSWORD}:{self.nonces[-1]}".encode()).hexdigest()
        if request.body != {"nonce": self.nonces[-1], "response": expected}:
            return problem(401, "rejected", "The password is wrong.")
        self.tokens.append(f"token-{len(self.tokens)}")
        return answer({"token": self.tokens[-1], "expires_at": "2026-03-03T02:00:00.000Z"})


def certificate(directory: Path, name: str) -> tuple[ssl.SSLContext, str, Path]:
    """A context for a server with a certificate that it signed itself, the fingerprint, and its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = directory / f"{name}.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, "sha256:" + made.fingerprint(hashes.SHA256()).hex(), file
