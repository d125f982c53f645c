"""``runwisp openapi``: the OpenAPI document of the REST API (spec: interfaces, openapi)."""

from __future__ import annotations

import click

from runwisp.cli.options import Globals


@click.command("openapi", short_help="print the OpenAPI document of the API")
@click.pass_obj
def command(settings: Globals) -> None:
    """Print the OpenAPI 3.1 document of the REST API, as /api/openapi.json has it.

    \b
    Examples:
      runwisp openapi > runwisp-api.json
    """
    from runwisp.web.api.openapi import text
    from runwisp.web.listen.sockets import url_host

    click.echo(text(f"http://{url_host(settings.host)}:{settings.port}"), nl=False)
