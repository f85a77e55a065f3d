-- What every writer of messages uses: the broker, and Django inside its own transactions.

-- insert_message --
INSERT INTO sedano_message
    (task_id, task, queue, priority, state, due, ready_since, crashes, redelivered, claimed_by, envelope)
VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, NULL, ?);
