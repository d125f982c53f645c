"""Clients that know nothing of RunWisp but what is promised to clients.

They need the standard library alone and share no line with the program, so that an error which the daemon
and its own clients have in common does not stay unseen.
"""
