"""Signed URLs of CloudFront, in front of the bucket: nearer to clients, and cheaper.

The distribution has the bucket as its origin, a trusted key group with our key, and passes the query
`response-content-disposition` on to it.
"""

from datetime import datetime
from urllib.parse import quote

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.adapters.outbound.links import disposition


class CloudFront:
    """Signs with a private RSA key, whose public half CloudFront knows as `key_pair_id`."""

    def __init__(self, url: str, key_pair_id: str, private_key: str) -> None:
        """Raise ValueError unless the key is an RSA key in PEM."""
        key = load_pem_private_key(private_key.encode(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("CloudFront takes RSA keys alone")  # noqa: TRY004 - the text is what is wrong
        self._key, self._url = key, url.rstrip("/")
        self._signer = CloudFrontSigner(key_pair_id, self._sign)

    def sign(self, key: str, _now: datetime, until: datetime, name: str | None) -> str:
        """Sign a link that shows an object until then, or saves it under a name."""
        query = f"?response-content-disposition={quote(disposition(name), safe='')}" if name else ""
        url: str = self._signer.generate_presigned_url(
            f"{self._url}/{quote(key)}{query}", date_less_than=until
        )
        return url

    def _sign(self, message: bytes) -> bytes:
        return self._key.sign(message, PKCS1v15(), SHA1())  # noqa: S303 - the one hash CloudFront takes
