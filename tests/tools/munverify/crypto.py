"""The primitives: AES-256-GCM and Ed25519 of `cryptography`, HKDF (RFC 5869) by hand."""

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from wire import Fault

TAG = 16
NONCE = 12
ZERO_NONCE = bytes(NONCE)


def hkdf(key, salt, info, length=32):
    extracted = hmac.new(salt or bytes(32), key, hashlib.sha256).digest()
    out, block = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.new(extracted, block + info + bytes([number]), hashlib.sha256).digest()
        out += block
    return out[:length]


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def gcm_open(key, nonce, sealed, bound, what):
    try:
        return AESGCM(key).decrypt(nonce, bytes(sealed), bound)
    except InvalidTag as error:
        raise Fault(f"{what} does not open: its tag does not fit") from error


def unwrap(key, wrapped, bound, what):
    """A wrapped key: nonce, ciphertext, tag."""
    return gcm_open(key, wrapped[:NONCE], wrapped[NONCE:], bound, what)


def ed25519_public(seed):
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def ed25519_verify(public, signature, text):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
        return True
    except (InvalidSignature, ValueError):
        return False
