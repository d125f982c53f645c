"""What the boot does for authentication, once the database is open (spec: runtime, boot sequence)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from twisted.logger import Logger

from runwisp.store.datadir import DataDir
from runwisp.store.interfaces import IDatabase
from runwisp.web.auth import words
from runwisp.web.auth.auth import Auth
from runwisp.web.auth.passwords import NO_AUTH_VARIABLE, Password, Source, resolve
from runwisp.web.auth.secret import settle
from runwisp.web.auth.tokens import Tokens

log = Logger()


async def open_auth(
    database: IDatabase,
    data_dir: DataDir,
    environ: Mapping[str, str],
    wall: Callable[[], float],
    seconds: Callable[[], float],
) -> Auth:
    """Find or make the password and the secret; ``wall`` and ``seconds`` are those of :class:`Auth`.

    :raises UsageError: the variables contradict each other
    :raises PasswordUnusable: the place of the password cannot be read or holds none
    :raises StorageError: the secret cannot be read or stored
    """
    password = resolve(environ, data_dir.password, words.password)
    if password is None:
        log.warn(
            "AUTHENTICATION IS OFF: whoever reaches the port can run commands as this user;"
            " unset {variable} to ask for a password",
            variable=NO_AUTH_VARIABLE,
        )
        # A session that was not asked for a password must not outlive this process.
        return Auth(None, Tokens(secrets.token_bytes(32)), wall, seconds)
    if password.source is Source.GENERATED:
        log.info("a password was generated; see it with: runwisp password", file=str(data_dir.password))
    return Auth(password, Tokens(await _secret(database, password)), wall, seconds)


async def _secret(database: IDatabase, password: Password) -> bytes:
    return await database.write(lambda cursor: settle(cursor, password.text))
