"""The sandbox's own certificate authority and the key that signs webhooks: made once, kept in one folder."""

import os
import ssl
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


def authority(folder: Path) -> trustme.CA:
    """Return the authority kept in `folder` (`ca.pem`, `ca-key.pem`), making it the first time."""
    certificate, key = folder / "ca.pem", folder / "ca-key.pem"
    if certificate.exists() and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    made = trustme.CA(organization_name="Atelier sandbox")
    _write_private(key, made.private_key_pem.bytes())
    # The certificate comes last: whoever waits for it finds both.
    _write_private(certificate, made.cert_pem.bytes(), mode=0o644)
    return made


def webhook_key(folder: Path) -> Ed25519PrivateKey:
    """Return the webhook signing key kept in `folder`, so that a restart keeps the published key set."""
    path = folder / "webhook-key.pem"
    if not path.exists():
        fresh = Ed25519PrivateKey.generate()
        _write_private(path, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path} holds no Ed25519 key")
    return key


def server_context(ca: trustme.CA, names: list[str]) -> ssl.SSLContext:
    """TLS for a server known by `names` (host names and addresses)."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(*names).configure_cert(context)
    return context


def client_context(ca: trustme.CA) -> ssl.SSLContext:
    """TLS that trusts what the machine trusts, and this sandbox."""
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


def _write_private(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write the whole file or nothing: another process may be reading it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.chmod(mode)
    unfinished.replace(path)
