-- Lists of one end reason would otherwise pass over all the successes between its runs.
CREATE INDEX runs_without_success ON runs (created_at DESC, id DESC) WHERE end_reason <> 'success';
