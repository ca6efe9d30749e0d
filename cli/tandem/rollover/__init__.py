"""Rollover from the outside: what an account has, what others are told of it, and adjustments.

``queries`` reads the marts, ``page`` and ``listing`` draw what was read in a terminal,
``reporting`` writes files, ``adjusting`` records an adjustment, ``requests`` answers (and freezes
the answer to) a billing system that asks before a bill.
"""
