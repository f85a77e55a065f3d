-- The statements for looking at the broker and steering it.
-- A scheduled message whose time has come counts as ready: the next claim makes it so.

-- queues --
SELECT queue FROM sedano_message WHERE state = 'ready'
UNION SELECT queue FROM sedano_message WHERE state = 'scheduled'
UNION SELECT queue FROM sedano_message WHERE state = 'claimed'
UNION SELECT queue FROM sedano_message WHERE state = 'parked'
UNION SELECT name FROM sedano_queue WHERE paused
ORDER BY 1;

-- depth --
SELECT
    (SELECT count(*) FROM sedano_message WHERE state = 'ready' AND queue = :queue),
    (SELECT count(*) FROM sedano_message WHERE state = 'scheduled' AND queue = :queue AND due <= :now),
    (SELECT count(*) FROM sedano_message WHERE state = 'scheduled' AND queue = :queue AND due > :now),
    (SELECT count(*) FROM sedano_message WHERE state = 'claimed' AND queue = :queue),
    (SELECT count(*) FROM sedano_message WHERE state = 'parked' AND queue = :queue),
    (SELECT min(ready_since) FROM sedano_message WHERE state = 'ready' AND queue = :queue),
    (SELECT min(due) FROM sedano_message WHERE state = 'scheduled' AND queue = :queue AND due <= :now),
    EXISTS (SELECT 1 FROM sedano_queue WHERE name = :queue AND paused);

-- peek_ready --
SELECT task_id, task, queue, 'ready', priority, NULL, crashes, envelope, id
FROM sedano_message WHERE state = 'ready' AND queue = :queue
ORDER BY priority DESC, id LIMIT :limit;

-- peek_ripe --
SELECT task_id, task, queue, 'ready', priority, NULL, crashes, envelope, id
FROM sedano_message WHERE state = 'scheduled' AND queue = :queue AND due <= :now
ORDER BY priority DESC, id LIMIT :limit;

-- peek_scheduled --
SELECT task_id, task, queue, state, priority, due, crashes, envelope, id
FROM sedano_message WHERE state = 'scheduled' AND queue = :queue AND due > :now
ORDER BY due, id LIMIT :limit;

-- peek_claimed --
SELECT task_id, task, queue, state, priority, due, crashes, envelope, id
FROM sedano_message WHERE state = 'claimed' AND queue = :queue
ORDER BY id LIMIT :limit;

-- peek_parked --
SELECT task_id, task, queue, state, priority, due, crashes, envelope, id
FROM sedano_message WHERE state = 'parked' AND queue = :queue
ORDER BY id LIMIT :limit;

-- find --
-- Reads the whole table: an index on task_id would cost every publication more than this rare question.
SELECT
    task_id, task, queue, CASE WHEN due <= :now THEN 'ready' ELSE state END, priority,
    CASE WHEN due <= :now THEN NULL ELSE due END, crashes, envelope, id
FROM sedano_message
WHERE task_id IN (SELECT value FROM json_each(:task_ids)) AND state <> 'unpublished';

-- revoke --
DELETE FROM sedano_message WHERE id = :id AND state <> 'claimed';

-- newest_message --
SELECT coalesce(max(id), 0) FROM sedano_message;

-- purge_ready --
DELETE FROM sedano_message WHERE id IN (
    SELECT id FROM sedano_message WHERE state = 'ready' AND queue = :queue AND id <= :newest LIMIT :limit);

-- purge_scheduled --
DELETE FROM sedano_message WHERE id IN (
    SELECT id FROM sedano_message WHERE state = 'scheduled' AND queue = :queue AND id <= :newest LIMIT :limit);

-- purge_parked --
DELETE FROM sedano_message WHERE id IN (
    SELECT id FROM sedano_message WHERE state = 'parked' AND queue = :queue AND id <= :newest LIMIT :limit);

-- pause --
INSERT INTO sedano_queue (name, paused) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET paused = 1;

-- resume --
DELETE FROM sedano_queue WHERE name = ?;

-- dead_letters --
SELECT id, task_id, task, queue, reason, crashes, buried_at, envelope, priority
FROM sedano_dead_letter ORDER BY id DESC LIMIT ?;

-- replay --
INSERT INTO sedano_message
    (task_id, task, queue, priority, state, due, ready_since, crashes, redelivered, claimed_by, envelope)
SELECT task_id, task, queue, priority, 'ready', NULL, :now, 0, 0, NULL, envelope
FROM sedano_dead_letter WHERE id IN (SELECT value FROM json_each(:keys)) ORDER BY id;

-- discard --
DELETE FROM sedano_dead_letter WHERE id IN (SELECT value FROM json_each(:keys));

-- nodes --
SELECT
    node, incarnation, started_at, renewed_at,
    (SELECT count(*) FROM sedano_message WHERE state = 'claimed' AND claimed_by = incarnation),
    json_array_length(running)
FROM sedano_node ORDER BY node, started_at;
