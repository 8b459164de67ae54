"""People in processes of their own share one remote, through a network that fails now and then.

``person`` is one of them, ``deeds`` is what they do, ``journal`` what they say about it, ``lab``
where it happens, and ``verdict`` what must be true afterwards.

Beside it, ``machine`` lets three clones in one process do what hypothesis thinks of, step by step,
with something going wrong in between; ``clones`` is where, ``facts`` what must be true after it.
"""
