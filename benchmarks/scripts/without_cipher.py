"""Replaces the packets' cipher by one that only adds 16 bytes. Imported by benchmarks alone, to see what it costs."""

import pygase.netcode.client
import pygase.netcode.server


class Plain:
    """Takes the place of ChaCha20-Poly1305, with neither secrecy nor authenticity."""

    def encrypt(self, nonce, data, associated_data):
        return data + bytes(16)

    def decrypt(self, nonce, data, associated_data):
        return data[:-16]


pygase.netcode.client.new_cipher = pygase.netcode.server.new_cipher = lambda key: Plain()
