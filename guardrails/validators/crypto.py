"""
Addresses of crypto currencies.

Source: Bitcoin's Base58Check, BIP-173 and BIP-350, EIP-55. Cost: 10 us; an Ethereum address of mixed case 400 us.
"""

from __future__ import annotations

from hashlib import sha256

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_CONSTANTS = (1, 0x2BC830A3)
_MASK = (1 << 64) - 1


def is_base58check(text: str, versions: frozenset[int], alphabet: str = _BASE58) -> bool:
    """Whether 25 bytes are encoded whose first is one of `versions` and whose last four are the checksum."""
    number = 0
    for each in text:
        digit = alphabet.find(each)
        if digit < 0:
            return False
        number = number * 58 + digit
    if number.bit_length() > 200:
        return False
    raw = number.to_bytes(25, "big")
    return raw[0] in versions and sha256(sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def is_bitcoin(text: str) -> bool:
    return is_base58check(text, frozenset((0x00, 0x05)))


def is_litecoin(text: str) -> bool:
    return is_base58check(text, frozenset((0x30, 0x32)))


def is_dogecoin(text: str) -> bool:
    return is_base58check(text, frozenset((0x1E, 0x16)))


def is_tron(text: str) -> bool:
    return is_base58check(text, frozenset((0x41,)))


def is_ripple(text: str) -> bool:
    return is_base58check(text, frozenset((0x00,)), _RIPPLE)


def is_bech32(text: str) -> bool:
    """Whether the checksum of a Bech32 or Bech32m address holds. Upper or lower case, not both."""
    if text not in (text.lower(), text.upper()):
        return False
    prefix, _, data = text.lower().rpartition("1")
    try:
        words = [_BECH32.index(each) for each in data]
    except ValueError:
        return False
    check = 1
    for word in [*(ord(each) >> 5 for each in prefix), 0, *(ord(each) & 31 for each in prefix), *words]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for index, generator in enumerate(_GENERATOR):
            if top >> index & 1:
                check ^= generator
    return check in _BECH32_CONSTANTS


def is_ethereum(text: str) -> bool:
    """Whether `0x` and 40 hexadecimal digits are an address: in mixed case its capitals are a checksum."""
    digits = text[2:]
    if digits in (digits.lower(), digits.upper()):
        return len(set(digits)) > 2
    digest = keccak_256(digits.lower().encode()).hex()
    return all(each.isdigit() or each.isupper() == (int(digest[index], 16) >= 8) for index, each in enumerate(digits))


def _rotations() -> tuple[list[int], list[tuple[int, int]]]:
    offsets, order = [0] * 25, []
    x, y = 1, 0
    for step in range(24):
        offsets[x + 5 * y] = (step + 1) * (step + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
        order.append((x, y))
    return offsets, order


def _round_constants() -> list[int]:
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for bit in range(7):
            if register & 1:
                constant |= 1 << ((1 << bit) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


_OFFSETS, _ORDER = _rotations()
_CONSTANTS = _round_constants()


def _rotate(value: int, count: int) -> int:
    return (value << count | value >> (64 - count)) & _MASK


def keccak_256(data: bytes) -> bytes:
    """Return Keccak-256 as Ethereum uses it: with the padding of before SHA-3. `data` of less than 136 bytes."""
    block = bytearray(data) + b"\x01" + bytes(135 - len(data))
    block[135] |= 0x80
    state = [int.from_bytes(block[at : at + 8], "little") for at in range(0, 136, 8)] + [0] * 8
    for constant in _CONSTANTS:
        columns = [state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20] for x in range(5)]
        mixed = [columns[x - 1] ^ _rotate(columns[(x + 1) % 5], 1) for x in range(5)]
        state = [value ^ mixed[index % 5] for index, value in enumerate(state)]
        moved = [0] * 25
        for index, value in enumerate(state):
            x, y = index % 5, index // 5
            moved[y + 5 * ((2 * x + 3 * y) % 5)] = _rotate(value, _OFFSETS[index])
        state = [
            moved[index] ^ (~moved[index - index % 5 + (index + 1) % 5] & moved[index - index % 5 + (index + 2) % 5]) for index in range(25)
        ]
        state[0] ^= constant
    return b"".join((value & _MASK).to_bytes(8, "little") for value in state[:4])
