"""Resources as a daemon sends them."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def run_id(number: int) -> str:
    return f"01JA9XQ4Z6M8T2V7C3K5N0R{number:03}"


# The changes may be of any field of the resource.
def run(number: int = 1, **changes: Any) -> Document:
    """A run that succeeded."""
    return {
        "id": run_id(number),
        "task_name": "backup",
        "status": "ended",
        "end_reason": "success",
        "exit_code": 0,
        "is_failure": False,
        "message": None,
        "created_at": "2026-03-02T02:00:00.398Z",
        "start_at": "2026-03-02T02:00:00.412Z",
        "end_at": "2026-03-02T02:00:41.980Z",
        "duration": 41.568,
        "triggered_by": "api",
        "trigger_source": "cli",
        "retry_attempt": 0,
        "retry_of_run_id": None,
        "next_retry_at": None,
        "replica_index": 0,
        "stopping": False,
        "params": None,
        "peak_memory_bytes": 48234496,
        "cpu_time": 3.41,
        **changes,
    }


def live_run(number: int = 1, **changes: Any) -> Document:
    fields = dict.fromkeys(["end_reason", "exit_code", "end_at", "duration", "peak_memory_bytes", "cpu_time"])
    return run(number, **{"status": "running", **fields, **changes})


def failed_run(number: int = 1, **changes: Any) -> Document:
    return run(number, **{"end_reason": "failed", "exit_code": 3, "is_failure": True, **changes})


def task(name: str = "backup", **changes: Any) -> Document:
    """A task with a schedule. Fields of the configuration that no command looks at are left out."""
    return {
        "name": name,
        "kind": "task",
        "group": None,
        "api_trigger": True,
        "cron": "0 2 * * *",
        "instances": None,
        "next_run_at": "2026-03-03T02:00:00.000Z",
        "active_runs": 0,
        "queued_runs": 0,
        "last_run": None,
        "service": None,
        "paused_at": None,
        **changes,
    }


def service(name: str = "web", running: int = 1, instances: int = 1, **changes: Any) -> Document:
    state = "running" if running == instances else "degraded" if running else "stopped"
    return task(
        name,
        **{
            "kind": "service",
            "cron": None,
            "next_run_at": None,
            "instances": instances,
            "active_runs": running,
            "service": {"state": state, "running": running, "replicas": []},
            **changes,
        },
    )


def daemon(**changes: Any) -> Document:
    return {
        "name": "runwisp",
        "version": "1.2.3",
        "fingerprint": "bright-falcon",
        "pid": 4242,
        "started_at": "2026-03-02T00:00:00.000Z",
        "uptime": 11_520.7,
        "host": "127.0.0.1",
        "port": 9477,
        "external_url": None,
        "data_dir": "/var/lib/runwisp",
        "config_path": "/etc/runwisp/runwisp.toml",
        "socket_path": "/var/lib/runwisp/runwisp.sock",
        "config_loaded_at": "2026-03-02T00:00:00.000Z",
        "config_stale": False,
        "config_warnings": [],
        "resolved_timezone": "Europe/Berlin",
        "timezone_source": "config",
        "auth_required": True,
        "service_managed": False,
        "shutting_down": False,
        "tasks": 1,
        "services": 1,
        "active_runs": 0,
        "queued_runs": 0,
        "capabilities": [],
        **changes,
    }


def system(**changes: Any) -> Document:
    return {
        "host": "builder-01",
        "os": "linux",
        "arch": "x86_64",
        "cpu_cores": 4,
        "cpu_usage": 12.5,
        "mem_usage": 41.2,
        "mem_total": 8339816448,
        "mem_used": 3435973836,
        "uptime": 11_520.7,
        "work_dir": "/srv",
        **changes,
    }
