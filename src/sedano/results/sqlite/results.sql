-- The statements of the SQLite result store. Times are POSIX seconds.

-- put --
-- A SUCCESS is final while it is there: what comes later is the second run of a redelivered message.
INSERT INTO sedano_result (task_id, state, document, expires_at) VALUES (?, ?, ?, ?)
ON CONFLICT (task_id) DO UPDATE
SET state = excluded.state, document = excluded.document, expires_at = excluded.expires_at
WHERE sedano_result.state <> 'SUCCESS' OR sedano_result.expires_at <= ?;

-- get --
SELECT document FROM sedano_result WHERE task_id = ? AND (expires_at IS NULL OR expires_at > ?);

-- get_many --
SELECT task_id, document FROM sedano_result
WHERE task_id IN (SELECT value FROM json_each(?)) AND (expires_at IS NULL OR expires_at > ?);

-- forget --
DELETE FROM sedano_result WHERE task_id = ?;

-- prune --
DELETE FROM sedano_result WHERE rowid IN (
    SELECT rowid FROM sedano_result WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ?);
