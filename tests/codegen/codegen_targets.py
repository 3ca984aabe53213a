"""What children run in the tests of the limits."""
import os
import time

from servicex.codegen.child import Connection


def sleep(connection: Connection) -> None:
    connection.receive()
    time.sleep(60)


def hog(connection: Connection) -> None:
    connection.receive()
    held = [bytes(2**24)]
    while True:
        held.append(held[0] + bytes(1))


def die(connection: Connection) -> None:
    connection.receive()
    os._exit(3)
