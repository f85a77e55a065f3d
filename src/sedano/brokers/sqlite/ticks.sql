-- The schedule, by sedano.brokers.sqlite.ticks.

-- see_entry --
INSERT INTO sedano_entry (name, since, last_run_at, runs, paused, document)
VALUES (:name, :now, NULL, 0, FALSE, NULL)
ON CONFLICT (name) DO NOTHING;

-- entry_states --
SELECT name, since, last_run_at, runs, paused
FROM sedano_entry
WHERE name IN (SELECT value FROM json_each(:names));

-- claim_tick --
UPDATE sedano_entry
SET since = :due,
    last_run_at = CASE WHEN :run THEN :now ELSE last_run_at END,
    runs = runs + :run
WHERE name = :name AND since = :since AND NOT paused;

-- keep --
-- A message that goes through another broker, in which it will be ready. No node looks for rows in this state.
INSERT INTO sedano_message
    (task_id, task, queue, priority, state, due, ready_since, crashes, redelivered, claimed_by, envelope)
VALUES (:task_id, :task, '', 0, 'unpublished', NULL, :since, 0, 0, NULL, :packed);

-- unpublished --
SELECT envelope, ready_since FROM sedano_message
WHERE state = 'unpublished'
ORDER BY ready_since, id LIMIT :limit;

-- take_over --
UPDATE sedano_message SET ready_since = :now
WHERE state = 'unpublished' AND task_id = :task_id AND ready_since = :since;

-- published --
DELETE FROM sedano_message
WHERE state = 'unpublished' AND task_id = :task_id AND ready_since = :since;

-- restart_entry --
UPDATE sedano_entry SET since = :now WHERE name = :name AND since = :since;

-- pause_entry --
UPDATE sedano_entry SET paused = TRUE WHERE name = :name;

-- resume_entry --
UPDATE sedano_entry
SET since = CASE WHEN paused THEN :now ELSE since END, paused = FALSE
WHERE name = :name;

-- write_entry --
INSERT INTO sedano_entry (name, since, last_run_at, runs, paused, document)
VALUES (:name, :now, NULL, 0, FALSE, :document)
ON CONFLICT (name) DO UPDATE SET document = excluded.document;

-- remove_entry --
DELETE FROM sedano_entry WHERE name = :name;

-- entry_documents --
SELECT name, document FROM sedano_entry WHERE document IS NOT NULL ORDER BY name;

-- count_change --
INSERT INTO sedano_schedule (id, changes) VALUES (1, 1)
ON CONFLICT (id) DO UPDATE SET changes = changes + 1;

-- schedule_changes --
SELECT changes FROM sedano_schedule;
