"""The portal: pages for subscribers, carriers' people and the support desk.

A page is put together on the server and needs neither script nor anything from another host, so
that the browser can be told to allow none. What a page may show is decided in the database: each
query runs in a session of the visitor's own role (``tandem.serve.access``).
"""

from tandem.serve.portal.app import PATH, create_portal

__all__ = ["PATH", "create_portal"]
