"""The HTTP server: what carriers' platforms call.

``app`` puts it together, ``running`` runs it. Reading goes through a pool of read-only sessions;
what writes does so as the commands do, in a session of its own that holds the lock.
"""

from tandem.serve.app import create_app

__all__ = ["create_app"]
