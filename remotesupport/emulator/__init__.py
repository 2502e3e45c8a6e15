"""A BILLmanager look-alike for demos and tests: ``Emulator`` is the billing, ``RunningEmulator`` serves it.

It stands alone: nothing here is shared with the connectors or the rest of the product, so that one wrong belief
about the protocol cannot sit in both.
"""
