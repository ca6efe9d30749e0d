"""The outbox: messages to carriers' platforms and to subscribers, queued and delivered.

``queueing`` turns rows of a mart into messages, ``dispatching`` delivers what is due through a
``Transport`` (``http_transport``, ``smtp_transport``), ``configuration`` knows where to,
``product_order`` words an order, ``listing`` shows what became of it all.
"""
