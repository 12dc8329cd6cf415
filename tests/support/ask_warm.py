"""A command line -> its exit code from the warm process, which gets our streams, folder and environment.

Run as a program for each command of a test, and with next to no imports, for they would be most of its work.
"""

import _socket  # what `socket` imports beside it would take as long as all the rest
import os
import sys

UNEXPECTED = 70
"""The exit code of what ended with a traceback, or without a word."""


def main(address: str, arguments: list[str]) -> int:
    environment = [name + b"=" + value for name, value in os.environb.items()]
    asked = b"\0".join([str(len(arguments)).encode(), *map(os.fsencode, arguments), os.getcwdb(), *environment])
    streams = b"".join(descriptor.to_bytes(4, sys.byteorder) for descriptor in (0, 1, 2))
    connection = _socket.socket(_socket.AF_UNIX)
    connection.connect(address)
    connection.sendmsg([len(asked).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    connection.sendall(asked)
    return int(connection.recv(8) or UNEXPECTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[3:]))
