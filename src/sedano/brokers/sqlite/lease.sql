-- The statements by which a node takes messages and gives them back.
-- Parameters: :now is POSIX seconds, :incarnation the node's fence, lists are JSON.

-- begin_lease --
INSERT INTO sedano_node (incarnation, node, started_at, renewed_at, lease_seconds, running)
VALUES (:incarnation, :node, :now, :now, :lease_seconds, '[]');

-- renew_lease --
UPDATE sedano_node SET renewed_at = :now, running = :running WHERE incarnation = :incarnation;

-- lease_stands --
SELECT 1 FROM sedano_node WHERE incarnation = :incarnation;

-- delete_lease --
DELETE FROM sedano_node WHERE incarnation = :incarnation;

-- give_back_all --
UPDATE sedano_message
SET state = 'ready', claimed_by = NULL, redelivered = 1, ready_since = :now
WHERE state = 'claimed' AND claimed_by = :incarnation;

-- give_back_unknown --
-- What a commit of unknown outcome claimed, and nobody was told of.
UPDATE sedano_message
SET state = 'ready', claimed_by = NULL, ready_since = :now
WHERE state = 'claimed' AND claimed_by = :incarnation AND id NOT IN (SELECT value FROM json_each(:known));

-- look --
-- Whether a message is ready in one of these queues, and when the next one is due.
SELECT
    max(EXISTS (SELECT 1 FROM sedano_message AS m WHERE m.state = 'ready' AND m.queue = wanted.value)),
    min((SELECT min(due) FROM sedano_message AS m WHERE m.state = 'scheduled' AND m.queue = wanted.value))
FROM json_each(:queues) AS wanted
WHERE wanted.value NOT IN (SELECT name FROM sedano_queue WHERE paused);

-- look_for_tasks --
-- Like head_of_lane_for_tasks, it looks at the first thousand only: half a millisecond, however long the queue.
SELECT
    max(EXISTS (SELECT 1 FROM (SELECT task FROM sedano_message AS m
                               WHERE m.state = 'ready' AND m.queue = wanted.value
                               ORDER BY priority DESC, id LIMIT 1000)
                WHERE task IN (SELECT value FROM json_each(:tasks)))),
    min((SELECT min(due) FROM sedano_message AS m WHERE m.state = 'scheduled' AND m.queue = wanted.value))
FROM json_each(:queues) AS wanted
WHERE wanted.value NOT IN (SELECT name FROM sedano_queue WHERE paused);

-- open_queues --
SELECT DISTINCT value FROM json_each(:queues) WHERE value NOT IN (SELECT name FROM sedano_queue WHERE paused);

-- promote --
-- The limit keeps the transaction short when very many are ripe at once; the next claim promotes the next.
UPDATE sedano_message SET state = 'ready', ready_since = due, due = NULL
WHERE id IN (SELECT id FROM sedano_message
             WHERE state = 'scheduled' AND queue IN (SELECT value FROM json_each(:queues)) AND due <= :now
             LIMIT 1000);

-- head_of_lane --
SELECT id, task_id, task, queue, priority, crashes, redelivered, ready_since, envelope
FROM sedano_message
WHERE state = 'ready' AND queue = :queue
ORDER BY priority DESC, id LIMIT :limit;

-- head_of_lane_for_tasks --
SELECT id, task_id, task, queue, priority, crashes, redelivered, ready_since, envelope
FROM sedano_message
WHERE id IN (SELECT id FROM (SELECT id, task FROM sedano_message WHERE state = 'ready' AND queue = :queue
                             ORDER BY priority DESC, id LIMIT 1000)
             WHERE task IN (SELECT value FROM json_each(:tasks)))
ORDER BY priority DESC, id LIMIT :limit;

-- claim --
UPDATE sedano_message SET state = 'claimed', claimed_by = ? WHERE id = ?;

-- held --
SELECT id FROM sedano_message
WHERE id IN (SELECT value FROM json_each(?)) AND state = 'claimed' AND claimed_by = ?;

-- held_messages --
SELECT id, task_id, task, queue, priority, crashes, redelivered, ready_since, envelope
FROM sedano_message
WHERE id IN (SELECT value FROM json_each(:tags)) AND state = 'claimed' AND claimed_by = :incarnation;

-- finish --
DELETE FROM sedano_message WHERE id = ?;

-- requeue --
UPDATE sedano_message
SET state = ?, due = ?, ready_since = ?, crashes = crashes + ?, redelivered = redelivered OR ?, claimed_by = NULL
WHERE id = ?;

-- copy_to_dead_letters --
INSERT INTO sedano_dead_letter (task_id, task, queue, priority, reason, crashes, buried_at, envelope)
SELECT task_id, task, queue, priority, ?, crashes + ?, ?, envelope FROM sedano_message WHERE id = ?;

-- park --
UPDATE sedano_message SET state = 'parked', claimed_by = NULL WHERE id = ?;

-- look_for_parked --
SELECT EXISTS (SELECT 1 FROM sedano_message
               WHERE state = 'parked' AND task IN (SELECT value FROM json_each(:tasks))
               AND queue IN (SELECT value FROM json_each(:queues))
               AND queue NOT IN (SELECT name FROM sedano_queue WHERE paused));

-- head_of_parked --
SELECT id, task_id, task, queue, priority, crashes, redelivered, ready_since, envelope
FROM sedano_message
WHERE state = 'parked' AND task IN (SELECT value FROM json_each(:tasks))
AND queue IN (SELECT value FROM json_each(:queues))
AND queue NOT IN (SELECT name FROM sedano_queue WHERE paused)
ORDER BY priority DESC, id LIMIT :limit;

-- silent_nodes --
SELECT incarnation, running FROM sedano_node
WHERE incarnation <> :incarnation AND renewed_at + lease_seconds < :now;

-- claims_of_nobody --
-- Claims whose node has no row: there are none unless somebody deleted rows by hand.
SELECT DISTINCT claimed_by FROM sedano_message
WHERE state = 'claimed' AND claimed_by NOT IN (SELECT incarnation FROM sedano_node);

-- running_when_it_died --
SELECT id, crashes FROM sedano_message
WHERE state = 'claimed' AND claimed_by = :incarnation
AND id IN (SELECT value FROM json_each(:running));

-- turns_of --
SELECT next_start, tail FROM sedano_rate WHERE task = :task;

-- keep_turns --
INSERT INTO sedano_rate (task, next_start, tail) VALUES (:task, :next_start, :tail)
ON CONFLICT (task) DO UPDATE SET next_start = excluded.next_start, tail = excluded.tail;
