-- Times are UTC text, RFC 3339 with milliseconds and Z, so that text order is time order.

CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    task_name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'ended')),
    created_at TEXT NOT NULL,
    triggered_by TEXT NOT NULL,
    trigger_source TEXT,
    end_reason TEXT,
    exit_code INTEGER,
    start_at TEXT,
    end_at TEXT,
    retry_attempt INTEGER NOT NULL DEFAULT 0 CHECK (retry_attempt >= 0),
    retry_of_run_id TEXT,
    next_retry_at TEXT,
    replica_index INTEGER NOT NULL DEFAULT 0 CHECK (replica_index >= 0),
    is_failure INTEGER NOT NULL DEFAULT 0 CHECK (is_failure IN (0, 1)),
    message TEXT,
    process_group INTEGER,
    process_started INTEGER,
    peak_memory_bytes INTEGER,
    cpu_time REAL,
    CHECK ((status = 'ended') = (end_reason IS NOT NULL)),
    CHECK ((status = 'ended') = (end_at IS NOT NULL)),
    CHECK (status = 'ended' OR is_failure = 0),
    CHECK (status <> 'pending' OR start_at IS NULL),
    CHECK (status <> 'running' OR start_at IS NOT NULL)
);

CREATE INDEX runs_by_time ON runs (created_at DESC, id DESC);
CREATE INDEX runs_by_task ON runs (task_name, created_at DESC, id DESC);
-- The next ones hold few rows, so they cost next to nothing and are quick to walk.
CREATE INDEX runs_in_flight ON runs (created_at DESC, id DESC) WHERE status <> 'ended';
CREATE INDEX runs_failed ON runs (created_at DESC, id DESC) WHERE is_failure = 1;
CREATE INDEX runs_by_predecessor ON runs (retry_of_run_id, created_at DESC, id DESC)
    WHERE retry_of_run_id IS NOT NULL;
CREATE INDEX runs_by_next_retry ON runs (next_retry_at, id) WHERE next_retry_at IS NOT NULL;

-- Sums over runs, kept by the triggers below, so that no summary counts rows. Missed runs are no failures here.
CREATE TABLE run_totals (
    task_name TEXT NOT NULL PRIMARY KEY,
    total INTEGER NOT NULL DEFAULT 0,
    success INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    missed INTEGER NOT NULL DEFAULT 0,
    last_failure_at TEXT
);

CREATE TRIGGER runs_added AFTER INSERT ON runs BEGIN
    INSERT INTO run_totals (task_name) VALUES (NEW.task_name) ON CONFLICT (task_name) DO NOTHING;
    UPDATE run_totals SET
        total = total + 1,
        success = success + (NEW.end_reason IS 'success'),
        failed = failed + (NEW.is_failure AND NEW.end_reason IS NOT 'missed'),
        missed = missed + (NEW.end_reason IS 'missed'),
        last_failure_at = CASE
            WHEN NEW.is_failure AND NEW.end_reason IS NOT 'missed' AND NEW.end_at > coalesce(last_failure_at, '')
            THEN NEW.end_at
            ELSE last_failure_at
        END
    WHERE task_name = NEW.task_name;
END;

CREATE TRIGGER runs_ended AFTER UPDATE OF end_reason, is_failure ON runs BEGIN
    UPDATE run_totals SET
        success = success - (OLD.end_reason IS 'success') + (NEW.end_reason IS 'success'),
        failed = failed
            - (OLD.is_failure AND OLD.end_reason IS NOT 'missed')
            + (NEW.is_failure AND NEW.end_reason IS NOT 'missed'),
        missed = missed - (OLD.end_reason IS 'missed') + (NEW.end_reason IS 'missed'),
        last_failure_at = CASE
            WHEN NEW.is_failure AND NEW.end_reason IS NOT 'missed' AND NEW.end_at > coalesce(last_failure_at, '')
            THEN NEW.end_at
            ELSE last_failure_at
        END
    WHERE task_name = NEW.task_name;
END;

-- The time of the last failure stays: deleting a run does not undo that something failed.
CREATE TRIGGER runs_deleted AFTER DELETE ON runs BEGIN
    UPDATE run_totals SET
        total = total - 1,
        success = success - (OLD.end_reason IS 'success'),
        failed = failed - (OLD.is_failure AND OLD.end_reason IS NOT 'missed'),
        missed = missed - (OLD.end_reason IS 'missed')
    WHERE task_name = OLD.task_name;
END;

CREATE TABLE task_registrations (
    task_name TEXT NOT NULL PRIMARY KEY,
    first_seen_at TEXT NOT NULL,
    last_tick_at TEXT,
    boot_id TEXT,
    paused_at TEXT,
    resumed_at TEXT
);

CREATE TABLE config_entries (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE notifications (
    id TEXT NOT NULL PRIMARY KEY,
    dedup_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    task_name TEXT,
    run_id TEXT,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    count INTEGER NOT NULL DEFAULT 1 CHECK (count >= 1),
    occurrence_ring TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    last_occurred_at TEXT NOT NULL,
    read_at TEXT
);

CREATE INDEX notifications_by_dedup_key ON notifications (dedup_key, last_occurred_at DESC);
CREATE INDEX notifications_by_time ON notifications (created_at DESC, id DESC);
CREATE INDEX notifications_by_read_at ON notifications (read_at);

CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    notifier TEXT NOT NULL,
    event TEXT NOT NULL,
    coalesced_count INTEGER,
    coalesced_summary INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    attempt_started_at TEXT,
    created_at TEXT NOT NULL
);
