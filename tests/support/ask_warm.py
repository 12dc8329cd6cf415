"""A command line -> its exit code from the warm process, which gets our streams, folder and environment.

Run as a program for each command of a test, and with next to no imports, for they would be most of its work.
"""

import os
import socket
import sys

UNEXPECTED = 70
"""The exit code of what ended with a traceback, or without a word."""


def main(address: str, arguments: list[str]) -> int:
    environment = [name + b"=" + value for name, value in os.environb.items()]
    asked = b"\0".join([str(len(arguments)).encode(), *map(os.fsencode, arguments), os.getcwdb(), *environment])
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [len(asked).to_bytes(4, "big")], [0, 1, 2])
        connection.sendall(asked)
        return int(connection.recv(8) or UNEXPECTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[3:]))
