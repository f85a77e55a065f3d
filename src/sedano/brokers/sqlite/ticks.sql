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
